"""HydraNet: one backbone that looks through all cameras, and many small heads, one for each task.

Read from top to bottom. The shape stands at the end of a line where it changes:
n cars, c cameras, h x w pixels, d numbers in the embedding. The words are those of Mullapudi et al., "HydraNets:
Specialized Dynamic Architectures for Efficient Inference" (CVPR 2018), section 3; as in cars on the road, every
branch always runs, so there is no gate, and the combiner only puts the cameras side by side.

About 29 MFLOP an image: dear enough that a picture is worth looking at once, cheap enough for thousands of cars.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import safetensors.torch
import torch
from torch import Tensor, nn

from vehicle.errors import ForeignTask
from vehicle.networks.folder import checked_bytes, copy_backbone, find_network, read_card, write_card
from vehicle.tasks import TASKS, Task, tasks_on_card

STEM, BRANCH = (16, 32), 80  # channels
SUMMARY, DETAIL, OBJECTS = 64, 32, 32  # what a camera shows, its strongest small things, its strongest large ones
SEEN = SUMMARY + DETAIL + OBJECTS  # numbers in the embedding for each camera
HIDDEN = 48  # neurons of a head
FEATURES = ("fine", "x")  # the maps of the trunk, for whoever wants to know where in a picture something is
CELL = (4, 3)  # rows x columns of features, pooled into one


class HydraNet(nn.Module):
    """Pixels to an embedding of the car, and the embedding to every task's outputs."""

    def __init__(self, tasks: Mapping[str, Task], *, cameras: int = 8, height: int = 64, width: int = 96) -> None:
        """tasks: by name, a head for each; height, width: pixels of an image, multiples of 32 and 24."""
        super().__init__()
        self.size = {"cameras": cameras, "height": height, "width": width}
        self.backbone = Backbone(cameras, height, width)
        self.heads = nn.ModuleDict()
        self.tasks: dict[str, Task] = {}
        for name, task in tasks.items():
            self.add_head(name, task)

    def add_head(self, name: str, task: Task) -> None:
        """A head for one more task, not yet trained; where there is one, it stays. Others answer as they did.

        ForeignTask where the head that there is gives other outputs.
        """
        if name in self.heads and self.tasks[name].columns(name) != task.columns(name):
            raise ForeignTask(name, head=self.tasks[name].columns(name), now=task.columns(name))
        self.tasks[name] = task
        if name in self.heads:
            return
        self.heads[name] = CameraHead() if task.per_camera else Head(self.backbone.d, task.width)

    def forward(self, pixels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Pixels (n, c, 3, h, w) uint8: the embedding (n, d), and task to (n, outputs)."""
        embedding = self.backbone(pixels)
        return embedding, {name: head(embedding) for name, head in self.heads.items()}

    @property
    def fingerprint(self) -> str:
        """sha256, hex, of the backbone: its tensors' names, types, shapes and bytes, in the order of their names.

        What a backbone *is*: heads and probes made on its features name it by this.
        """
        total = hashlib.sha256()
        for name, tensor in sorted(self.backbone.state_dict().items()):
            if not name.endswith("num_batches_tracked"):  # how long it trained, not what it is
                total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
                total.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return total.hexdigest()

    def save(
        self, folder: Path, *, name: str, version: int, told: Mapping[str, Any], base: str | Path | None = None
    ) -> dict[str, Any]:
        """Write all of a network's files into a folder and return its card.

        told: what else the card says (command, seed, figures …); base: a network with the same backbone, whose file
        is then taken over. MissingExtra where onnx is not installed, ForeignBackbone where base has another backbone.
        """
        from vehicle.networks.export import export_backbone, export_heads

        folder.mkdir(parents=True, exist_ok=True)
        tensors = {key: tensor.contiguous() for key, tensor in self.state_dict().items()}
        safetensors.torch.save_file(tensors, folder / "weights.safetensors")
        if base is None:
            example = torch.zeros(2, *self.backbone.image, dtype=torch.uint8)
            export_backbone(self.backbone, folder / "backbone.onnx", pixels=example, fingerprint=self.fingerprint)
        else:
            copy_backbone(find_network(base), folder, self.fingerprint)
        export_heads(self.heads, folder / "heads.onnx", d=self.backbone.d, fingerprint=self.fingerprint)
        made = {"name": name, "version": version, "backbone": self.fingerprint, "input": self.size}
        return write_card(
            folder, {**made, "tasks": {name: self.tasks[name].on_card(name) for name in self.heads}, **told}
        )

    @classmethod
    def load(cls, name_or_path: str | Path) -> Self:
        """A shipped network by name, or one from a folder, as it left training; checked against its card."""
        folder = find_network(name_or_path)
        card = read_card(folder)
        network = cls(tasks_on_card(card["tasks"], TASKS, str(folder / "card.json")), **card["input"])
        network.load_state_dict(safetensors.torch.load(checked_bytes(folder, "weights.safetensors", card)))
        return network


class Backbone(nn.Module):
    """The same eyes for every camera, then a place in the embedding for each."""

    def __init__(self, cameras: int, height: int, width: int) -> None:
        super().__init__()
        self.image, self.d = (cameras, 3, height, width), cameras * SEEN
        self.stem = nn.Sequential(_convolution(3, STEM[0], stride=2), _convolution(STEM[0], STEM[1], stride=2))
        self.refine = _convolution(STEM[1], STEM[1], stride=1)
        self.branch = _convolution(STEM[1], BRANCH, stride=2)
        self.residual = _convolution(BRANCH, BRANCH, stride=1)
        cells = (height // 8 // CELL[0]) * (width // 8 // CELL[1])
        self.summary = nn.Linear(2 * BRANCH * cells, SUMMARY)
        self.detail = nn.Sequential(nn.Conv2d(STEM[1], DETAIL, 1), nn.ReLU(inplace=True))
        self.objects = nn.Sequential(nn.Conv2d(BRANCH, OBJECTS, 1), nn.ReLU(inplace=True))
        self.camera = nn.Parameter(torch.zeros(cameras, SEEN))

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (n, c, 3, h, w) uint8: embedding (n, d)."""
        return self.see(pixels)[0]

    def see(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pixels (n, c, 3, h, w) uint8: embedding (n, d), and both maps of the trunk as `trunk` gives them."""
        fine, x = self.trunk(pixels.flatten(0, 1))
        return self.side_by_side(self.summarise(fine, x)), fine, x

    def trunk(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures of any cameras (n*c, 3, h, w) uint8: maps (n*c, 32, h/4, w/4) and (n*c, 80, h/8, w/8), FEATURES."""
        x = pixels.float() / 127.5 - 1
        fine = self.stem(x)  # (n*c, 32, h/4, w/4)
        fine = fine + self.refine(fine)  # a sign of five pixels is known by its neighbourhood
        x = self.branch(fine)  # (n*c, 80, h/8, w/8)
        return fine, x + self.residual(x)

    def summarise(self, fine: Tensor, x: Tensor) -> Tensor:
        """The trunk's maps of any cameras: what each shows, (n*c, 128)."""
        small = self.detail(fine).amax((2, 3))  # (n*c, 32)  a lamp of two pixels survives the maximum
        large = self.objects(x).amax((2, 3))  # (n*c, 32)  a sign, wherever it stands: each looks at 39 x 39 pixels
        mean, most = nn.functional.avg_pool2d(x, CELL), nn.functional.max_pool2d(x, CELL)
        return torch.cat([self.summary(torch.cat([mean, most], 1).flatten(1)), small, large], 1)

    def side_by_side(self, seen: Tensor) -> Tensor:
        """What every camera shows (n*c, 128), each in its place: embedding (n, d)."""
        x = seen.view(-1, *self.camera.shape) + self.camera  # (n, c, 128)
        return nn.functional.relu(x).flatten(1)  # (n, d)


class Head(nn.Sequential):
    """A small perceptron from the embedding to one task's outputs."""

    def __init__(self, d: int, outputs: int) -> None:
        super().__init__(nn.Linear(d, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs))


class CameraHead(nn.Sequential):
    """The same perceptron for every camera, from what it alone shows; it learns from all of them."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(SEEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))

    def forward(self, embedding: Tensor) -> Tensor:
        """Embedding (n, d): an output for each camera, (n, c)."""
        x = embedding.view(-1, embedding.shape[1] // SEEN, SEEN)  # (n, c, 128)
        for layer in self:
            x = layer(x)
        return x.flatten(1)  # (n, c)


def _convolution(inputs: int, outputs: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
