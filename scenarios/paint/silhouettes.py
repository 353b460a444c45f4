"""Which pixels each thing covers: the painter's own geometry, asked for things instead of colours."""

from dataclasses import dataclass

import torch
from torch import Tensor

from scenarios.cameras import Rig
from scenarios.paint import columns, shade
from scenarios.paint.scene import OBJECT


@dataclass(frozen=True, slots=True, eq=False)
class Silhouettes:
    """n cars, C cameras, K objects; float32.

    pixels: (n, C, K) pixels where the object is what one sees
    whole: (n, C, K) pixels it would cover alone
    box: (n, C, K, 4) left, top, right, bottom of what it would cover alone, inside the image
    """

    pixels: Tensor
    whole: Tensor
    box: Tensor


def silhouettes(objects: Tensor, rig: Rig) -> Silhouettes:
    """objects (n, K, F) on the CPU: what each covers in each camera. Slow beside painting; made for truth, not for cars."""
    rays = columns.rays_of(rig, "cpu")
    kept, index = columns.nearest(objects, rays)
    keys = columns.layer_keys(kept, rays)
    found = columns.layers(kept, keys, rays)
    cars, cameras, _, _, width = found.shape
    rows = torch.arange(rig.height, dtype=torch.float32)[:, None] + 0.5
    sheet = shade.Sheet(found.reshape(cars * cameras, -1, width), rows)
    covers, _ = shade.choose(sheet)
    front = torch.full(covers[0].shape, -1, dtype=torch.int64)
    for layer in reversed(range(columns.LAYERS)):
        place = (keys[:, :, layer] & (columns.KEPT - 1)).reshape(cars * cameras, 1, width).long()
        front = torch.where(covers[layer], place.expand(front.shape), front)
    count = kept.shape[2]
    image = torch.arange(cars * cameras)[:, None, None] * count
    seen = torch.bincount((front + image)[front >= 0], minlength=cars * cameras * count).view(cars, cameras, count)
    whole, box = _alone(kept, rays, rig)
    shape = (cars, cameras, objects.shape[1])
    return Silhouettes(
        torch.zeros(shape).scatter_(2, index, seen.float()),
        torch.zeros(shape).scatter_(2, index, whole),
        torch.zeros((*shape, 4)).scatter_(2, index[..., None].expand(-1, -1, -1, 4), box),
    )


def _alone(kept: Tensor, rays: columns.Rays, rig: Rig) -> tuple[Tensor, Tensor]:
    """Pixels (n, C, N) and boxes (n, C, N, 4) of things as if nothing stood before them."""
    into, out, _, across = columns.crossings(kept[..., None], rays)
    hit = (into < out) & (into > columns.NEAREST_M) & (kept[..., OBJECT.index("kind")] > 0)[..., None]
    top, bottom = columns.extent(kept[..., None], into.clamp(min=columns.NEAREST_M), out, rays)
    roundness = kept[..., OBJECT.index("round")][..., None]
    u2 = (across * across).clamp(max=1.0)
    half = torch.sqrt(((1.0 - u2) / (1.0 - roundness * u2).clamp(min=1e-4)).clamp(0.0, 1.0))  # of the height, at this column
    middle, reach = (top + bottom) * 0.5, (bottom - top) * 0.5 * half
    top, bottom = (middle - reach).clamp(0, rig.height), (middle + reach).clamp(0, rig.height)
    hit = hit & (bottom > top)
    column = torch.arange(rig.width, dtype=torch.float32)
    far = float(10 * (rig.width + rig.height))
    left = torch.where(hit, column, far).amin(dim=3)
    right = torch.where(hit, column + 1.0, -far).amax(dim=3)
    upper = torch.where(hit, top, far).amin(dim=3)
    lower = torch.where(hit, bottom, -far).amax(dim=3)
    box = torch.stack([left, upper, right, lower], dim=3) * hit.any(dim=3)[..., None]
    return torch.where(hit, bottom - top, 0.0).sum(dim=3), box
