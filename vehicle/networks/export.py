"""From torch, where networks learn, to ONNX, which cars run."""

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from vehicle.errors import MissingExtra
from vehicle.networks.bev import BYTES, CHANNELS, COARSER, GROUND, LAST, LIFTED, MAPS, POINTS, RAYS, SIZE, BevNet
from vehicle.networks.hydranet import FEATURES, Backbone

Module = TypeVar("Module", bound=nn.Module)


def export_backbone(backbone: Backbone, file: Path, *, pixels: torch.Tensor, fingerprint: str) -> None:
    """Write `pixels -> embedding and the trunk's maps` for any number of cars, its normalisations folded.

    pixels: (2, c, 3, h, w) uint8
    """
    _write(_Eyes(folded(backbone)).eval(), file, {"pixels": pixels}, ["embedding", *FEATURES], fingerprint)


def export_heads(heads: nn.ModuleDict, file: Path, *, d: int, fingerprint: str) -> None:
    """Write `embedding -> each task's outputs` for any number of cars."""
    _write(_Heads(heads).eval(), file, {"embedding": torch.zeros(2, d)}, list(heads), fingerprint)


def export_pixel_head(head: nn.Module, file: Path, *, given: dict[str, torch.Tensor], fingerprint: str) -> None:
    """Write `fine, coarse, rays -> logits` for any number and size of images; given: examples by name."""
    images, rows, columns = (torch.export.Dim(name, min=1) for name in ("images", "rows", "columns"))
    fine, coarse = {0: images, 2: 2 * rows, 3: 2 * columns}, {0: images, 2: rows, 3: columns}
    varies = (fine, coarse, fine)
    _write(head.eval(), file, given, ["logits"], fingerprint, varies)


def export_bev(net: BevNet, folder: Path, *, cameras: int, image: tuple[int, int], fingerprint: str) -> None:
    """Write the parts of a BEV net, each for one car; image: rows and columns of a picture."""
    maps = {
        name: torch.zeros(cameras, channels, image[0] // side, image[1] // side)
        for name, (channels, side) in MAPS.items()
    }
    seen = {"now": torch.zeros(SIZE[0] * SIZE[1], BYTES, dtype=torch.uint8)}
    if net.looks:
        seen["earlier"] = seen["now"].repeat(1, net.looks)
    parts: dict[str, tuple[nn.Module, dict[str, torch.Tensor]]] = {
        "neck": (_NeckPart(net), maps),
        "rays": (_RaysPart(net, rays=cameras * RAYS), {"points": torch.zeros(1, cameras * POINTS, LIFTED)}),
        "ground": (_GroundPart(net), {"cells": torch.zeros(1, SIZE[0] * SIZE[1], LIFTED)}),
        "memory": (_MemoryPart(net), seen),
    }
    for name, (part, given) in parts.items():
        _write(part.eval(), folder / f"{name}.onnx", given, [name], fingerprint, tuple({} for _ in given))


class _NeckPart(nn.Module):
    """Maps of a car's cameras, as the backbone gives them."""

    def __init__(self, net: BevNet) -> None:
        super().__init__()
        self.neck = net.neck

    def forward(self, fine: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        rows = []
        for layer, maps in ((self.neck.fine, fine), (self.neck.x, x)):  # as convolutions, which need not turn the maps
            seen = nn.functional.conv2d(maps, layer.weight[:, :, None, None])
            rows.append(seen.permute(0, 2, 3, 1).reshape(1, -1, LIFTED))
        return torch.cat(rows, 1)


class _RaysPart(nn.Module):
    """What a distance adds is written out for every ray, so that the first product of matrices adds it at once."""

    def __init__(self, net: BevNet, *, rays: int) -> None:
        super().__init__()
        self.rays = net.rays
        self.first = nn.Parameter((net.rays.lift.bias + net.rays.distance).repeat_interleave(rays, 0))

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        x = torch.addmm(self.first, points.view(len(self.first), -1), self.rays.lift.weight.t())
        x = nn.functional.relu(x).view(len(self.rays.along), -1)
        x = x + nn.functional.relu(torch.matmul(self.rays.along, x))
        return nn.functional.relu(self.rays.apart(x.view(1, -1, LIFTED)))


class _GroundPart(nn.Module):
    """Down to the bytes that a car keeps, (1, cells, BYTES).

    The last layer makes four cells out of one, without any overlap: a pointwise layer says the same sooner.
    """

    def __init__(self, net: BevNet) -> None:
        super().__init__()
        self.ground = net.ground
        weight, bias = net.ground.out[2].get_parameter("weight"), net.ground.out[2].get_parameter("bias")
        self.weight = nn.Parameter(weight.permute(2, 3, 1, 0).reshape(BYTES, LAST, 1, 1))
        self.bias = nn.Parameter(bias.repeat(COARSER**2))

    def forward(self, cells: torch.Tensor) -> torch.Tensor:
        x = self.ground.out[:2](self.ground.surroundings(cells))
        x = torch.sigmoid(nn.functional.conv2d(x, self.weight, self.bias))
        scale, zero = torch.tensor(1 / 255), torch.tensor(0, dtype=torch.uint8)
        look: torch.Tensor = torch.onnx.ops.symbolic(
            "QuantizeLinear", [x, scale, zero], dtype=torch.uint8, shape=x.shape, version=18
        )
        return look.permute(0, 2, 3, 1).reshape(1, -1, BYTES)


class _MemoryPart(nn.Module):
    """From bytes, as `side_by_side` puts them, to probabilities (cells, classes * COARSER**2)."""

    def __init__(self, net: BevNet) -> None:
        super().__init__()
        self.memory = net.memory
        weight, bias = net.memory.out.get_parameter("weight"), net.memory.out.get_parameter("bias")
        gather = net.memory.gather.weight.view(GROUND, COARSER**2, 1 + net.looks, CHANNELS)
        gather = gather.transpose(1, 2).reshape(GROUND, -1).t()
        self.now, self.earlier, self.out = (  # of bytes as they are
            nn.Parameter(each / 255) for each in (gather[:BYTES], gather[BYTES:], weight[GROUND:].flatten(1))
        )
        self.near, self.bias = (
            nn.Parameter(weight[:GROUND].flatten(1)),
            nn.Parameter(bias.repeat_interleave(COARSER**2)),
        )

    def forward(self, now: torch.Tensor, earlier: torch.Tensor | None = None) -> torch.Tensor:
        now = now.float()
        x = torch.addmm(self.memory.gather.bias, now, self.now)
        if earlier is not None:
            x = torch.addmm(x, earlier.float(), self.earlier)
        x = nn.functional.relu(x)
        near = nn.functional.relu(self.memory.near(x.view(1, *SIZE, GROUND).permute(0, 3, 1, 2)))
        x = x + near.permute(0, 2, 3, 1).reshape(-1, GROUND)
        return torch.sigmoid(torch.addmm(torch.addmm(self.bias, now, self.out), x, self.near))


def folded(backbone: Module) -> Module:
    """A copy with each normalisation put into the convolution before it: same function, less to compute."""
    copied = copy.deepcopy(backbone).eval()
    for block in [module for module in copied.modules() if isinstance(module, nn.Sequential)]:
        if len(block) > 1 and isinstance(block[0], nn.Conv2d) and isinstance(block[1], nn.BatchNorm2d):
            block[0], block[1] = fuse_conv_bn_eval(block[0], block[1]), nn.Identity()
    return copied


class _Eyes(nn.Module):
    """A backbone as one function with three results."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.backbone.see(pixels)


class _Heads(nn.Module):
    """All heads as one function with as many results, in their order."""

    def __init__(self, heads: nn.ModuleDict) -> None:
        super().__init__()
        self.heads = heads

    def forward(self, embedding: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(head(embedding) for head in self.heads.values())


def _write(
    module: nn.Module, file: Path, given: dict[str, torch.Tensor], results: list[str], fingerprint: str,
    varies: tuple[dict[int, Any], ...] | None = None,
) -> None:  # fmt: skip
    """varies: which axes of what is given may have any length; None for the first of the only one."""
    try:
        import onnx
        import onnxscript  # noqa: F401  the exporter's own need
    except ImportError as error:
        raise MissingExtra("export", "writing ONNX") from error
    with _quiet():
        program: Any = torch.onnx.export(
            module,
            tuple(given.values()),
            dynamo=True,
            input_names=list(given),
            output_names=results,
            dynamic_shapes=varies or ({0: torch.export.Dim("cars", min=1)},),
            verbose=False,
        )
    model = program.model_proto
    for node in model.graph.node:
        del node.metadata_props[:]  # stack traces through the source tree that wrote it
    model.metadata_props.add(key="backbone", value=fingerprint)
    onnx.save_model(model, str(file))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter speaks of torchvision and of its own deprecations; users can do nothing about either."""
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        exporter.setLevel(level)
