"""The small head that says what each camera's pixels show: the road's classes, and where things stand on it.

Read from top to bottom. It sees the frozen backbone's features and where each of them looks, nothing else, and answers
for every image alone; what follows from its answers on the ground is hand-written geometry (`occupancy.py`).
m images, h x w features of 4 x 4 pixels. A pixel's answer is a yes or no each, so its probabilities add up along a
column of pixels to a chance of where a thing's foot line is, as in Levi, Garnett and Fetaya, "StixelNet" (BMVC 2015).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from vehicle.networks.folder import write_card
from vehicle.networks.sights import ANSWERS, COLUMNS, ROWS

HEAD, WEIGHTS = "head.onnx", "weights.safetensors"

FINE, COARSE, RAY = 32, 80, 3  # channels: features of 4 x 4 pixels, of 8 x 8 pixels, and of where they look
CONTEXT, WIDTH = 16, 40


class PixelHead(nn.Module):
    """Features of m images to logits of what their pixels show."""

    def __init__(self) -> None:
        super().__init__()
        self.context = nn.Conv2d(COARSE, 4 * CONTEXT, 1)
        self.mix = nn.Conv2d(FINE + CONTEXT + RAY, WIDTH, 3, padding=1)
        self.refine = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.answer = nn.Conv2d(WIDTH, ROWS * COLUMNS * len(ANSWERS), 1)

    def forward(self, fine: Tensor, coarse: Tensor, rays: Tensor) -> Tensor:
        """Fine (m, 32, h, w), coarse (m, 80, h/2, w/2), rays (m, 3, h, w): logits (m, 4h, 2w, 6)."""
        around = nn.functional.pixel_shuffle(torch.relu(self.context(coarse)), 2)  # (m, 16, h, w)
        x = torch.relu(self.mix(torch.cat([fine, around, rays], 1)))  # (m, 40, h, w)
        x = x + torch.relu(self.refine(x))
        said: Tensor = self.answer(x)  # (m, 48, h, w)
        m, _, h, w = said.shape
        said = said.view(m, ROWS, COLUMNS, len(ANSWERS), h, w).permute(0, 4, 1, 5, 2, 3)  # (m, h, 4, w, 2, 6)
        return said.reshape(m, h * ROWS, w * COLUMNS, len(ANSWERS))

    def save(self, folder: Path, *, backbone: str, told: Mapping[str, Any]) -> dict[str, Any]:
        """Write the folder of an occupancy tracker and return its card; told: what the card says.

        backbone: fingerprint of the one whose features it reads. MissingExtra where onnx is not installed.
        """
        from vehicle.networks.export import export_pixel_head

        folder.mkdir(parents=True, exist_ok=True)
        tensors = {key: tensor.contiguous() for key, tensor in self.state_dict().items()}
        safetensors.torch.save_file(tensors, folder / WEIGHTS)
        sizes = {"fine": (FINE, 4, 6), "coarse": (COARSE, 2, 3), "rays": (RAY, 4, 6)}
        given = {name: torch.zeros(2, *size) for name, size in sizes.items()}
        export_pixel_head(self.eval(), folder / HEAD, given=given, fingerprint=backbone)
        return write_card(folder, {"viewer": "occupancy", "backbone": backbone, **told}, (WEIGHTS, HEAD))
