"""Which pixels each thing covers: the painter's own geometry, asked for things instead of colours."""

from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from scenarios.cameras import Rig
from scenarios.errors import NotLevel
from scenarios.paint import columns
from scenarios.paint.scene import OBJECT
from scenarios.paint.warp import Warp, warp_of

_NOWHERE = -500.0  # row; the painter puts layers that hold nothing further up still


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


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """What stands in each image column, nearest first; n cars, C cameras, L layers, W columns.

    kind: (n, C, L, W) uint8, a `Kind`; 0 = nothing
    top, bottom: (n, C, L, W) float32 rows where it begins and ends, hidden or not, and outside the image too
    foot: (n, C, L, W) float32 row where its front meets the road, if it stands on it
    shown: (n, C, L, W) float32 rows of it that nothing nearer hides
    """

    kind: Tensor
    top: Tensor
    bottom: Tensor
    foot: Tensor
    shown: Tensor


def outlines(objects: Tensor, rig: Rig) -> Outlines:
    """Objects (n, K, F) on the CPU: what the painter shows in each column of level cameras. Raises NotLevel."""
    if not rig.is_level:
        raise NotLevel("telling what stands in image columns")
    rays = columns.rays_of(rig, "cpu")
    kept, _ = columns.nearest(objects, rays)
    keys = columns.layer_keys(kept, rays)
    found = columns.layers(kept, keys, rays)
    top, bottom = _covered(found)
    middle, scale = (found[:, :, :, columns.LAYER.index(name)] for name in ("middle", "scale"))
    place = (keys & (columns.KEPT - 1)).long().flatten(2).clamp(max=kept.shape[2] - 1)  # (n, C, L * W)
    kind = torch.gather(kept[..., OBJECT.index("kind")], 2, place).view(keys.shape)
    kind = torch.where(middle > _NOWHERE, kind, 0.0).to(torch.uint8)
    return Outlines(kind, top, bottom, middle + 1.0 / scale, _left_over(found, rig.height))


def silhouettes(objects: Tensor, rig: Rig) -> Silhouettes:
    """Objects (n, K, F) on the CPU: what each covers in each camera. Raises TiltedCamera.

    In a column every layer covers one run of rows, so what is left of it behind nearer ones is counted, not painted;
    where pictures are looked up in level views, so are silhouettes.
    """
    warp = warp_of(rig, "cpu")
    return _direct(objects, rig) if warp is None else _looked_up(objects, rig, warp)


def _direct(objects: Tensor, rig: Rig) -> Silhouettes:
    rays = columns.rays_of(rig, "cpu")
    kept, index = columns.nearest(objects, rays)
    keys = columns.layer_keys(kept, rays)
    seen = _left_over(columns.layers(kept, keys, rays), rig.height)  # (n, C, L, W)
    place = (keys & (columns.KEPT - 1)).long().flatten(2)  # (n, C, L * W)
    counted = torch.zeros(kept.shape[:3]).scatter_add_(2, place, seen.flatten(2))
    whole, box = _alone(kept, rays, rig)
    return _by_object(objects.shape[1], index, counted, whole, box)


def _by_object(objects: int, index: Tensor, counted: Tensor, whole: Tensor, box: Tensor) -> Silhouettes:
    """From the kept ones (n, C, N) of a camera to all objects, by their slots `index`."""
    shape = (*index.shape[:2], objects)
    return Silhouettes(
        torch.zeros(shape).scatter_(2, index, counted),
        torch.zeros(shape).scatter_(2, index, whole),
        torch.zeros((*shape, 4)).scatter_(2, index[..., None].expand(-1, -1, -1, 4), box),
    )


def _covered(found: Tensor) -> tuple[Tensor, Tensor]:
    """Found (n, C, L, len(LAYER), W): the rows between which each layer covers a column, (n, C, L, W) each."""

    def of(name: str) -> Tensor:
        return found[:, :, :, columns.LAYER.index(name)]

    u2 = of("across2")
    reach = torch.sqrt(((1.0 - u2) / (1.0 - of("round") * u2).clamp(min=1e-4)).clamp(0.0, 1.0)) / of("scale")
    return of("middle") - reach, of("middle") + reach


def _left_over(found: Tensor, height: int) -> Tensor:
    """Found (n, C, L, len(LAYER), W): rows of each layer that no nearer one covers, (n, C, L, W)."""
    top, bottom = _covered(found)
    first = torch.ceil(top - 0.5).clamp(min=0.0)
    last = torch.floor(bottom - 0.5).clamp(max=height - 1.0)
    left = []
    for layer in range(first.shape[2]):
        hidden = torch.zeros_like(first[:, :, 0])
        for size in range(1, layer + 1):  # inclusion and exclusion over the nearer layers
            for nearer in combinations(range(layer), size):
                both = torch.stack([first[:, :, i] for i in (layer, *nearer)]).amax(dim=0)
                end = torch.stack([last[:, :, i] for i in (layer, *nearer)]).amin(dim=0)
                hidden += (-1.0) ** (size + 1) * (end - both + 1.0).clamp(min=0.0)
        left.append((last[:, :, layer] - first[:, :, layer] + 1.0).clamp(min=0.0) - hidden)
    return torch.stack(left, dim=2)


def _looked_up(objects: Tensor, rig: Rig, warp: Warp) -> Silhouettes:
    """The same for cameras whose pictures are looked up in level views: every pixel is asked for what it shows."""
    rays = columns.rays_of(warp.views, "cpu")
    kept, index = columns.nearest(objects, rays)
    shown = _shown(kept, rays, warp)  # (n, C, H * W)
    top, bottom = _spans(kept, rays)  # (n, C, N, W)
    counted, whole, boxes = [], [], []
    for number in range(kept.shape[2]):  # one at a time: masks of all would fill the memory
        alone = warp.between(top[:, :, number], bottom[:, :, number])
        counted.append((shown == number).sum(dim=2).float())
        whole.append(alone.sum(dim=2).float())
        boxes.append(_edges(alone.view(*alone.shape[:2], rig.height, rig.width)))
    stacked = (torch.stack(each, dim=2) for each in (counted, whole, boxes))
    return _by_object(objects.shape[1], index, *stacked)


def _shown(kept: Tensor, rays: columns.Rays, warp: Warp) -> Tensor:
    """Which of the kept things each pixel shows, (n, C, H * W); -1 for none."""
    keys = columns.layer_keys(kept, rays)
    top, bottom = _covered(columns.layers(kept, keys, rays))  # (n, C, L, W)
    shown = torch.full((*kept.shape[:2], warp.pixel.shape[1]), -1)
    for layer in reversed(range(keys.shape[2])):
        place = warp.at(keys[:, :, layer] & (columns.KEPT - 1)).long()
        shown = torch.where(warp.between(top[:, :, layer], bottom[:, :, layer]), place, shown)
    return shown


def _edges(mask: Tensor) -> Tensor:
    """Left, top, right, bottom of masks (n, C, H, W), (n, C, 4); zeros for an empty one."""
    sides = []
    for axis in (2, 3):
        there = mask.any(dim=axis).float()  # over rows: columns, over columns: rows
        size = there.shape[2]
        first, last = there.argmax(dim=2), size - there.flip(2).argmax(dim=2)
        sides += [first, last]
    left, right, top, bottom = sides
    return torch.stack([left, top, right, bottom], dim=2) * mask.any(dim=3).any(dim=2)[..., None].float()


def _spans(kept: Tensor, rays: columns.Rays) -> tuple[Tensor, Tensor]:
    """Rows where things begin and end in each column as if nothing stood before them, (n, C, N, W); none: 1 and 0."""
    into, out, _, across = columns.crossings(kept[..., None], rays)
    hit = (into < out) & (into > columns.NEAREST_M) & (kept[..., OBJECT.index("kind")] > 0)[..., None]
    top, bottom = columns.extent(kept[..., None], into.clamp(min=columns.NEAREST_M), out, rays)
    roundness = kept[..., OBJECT.index("round")][..., None]
    u2 = (across * across).clamp(max=1.0)
    half = torch.sqrt(
        ((1.0 - u2) / (1.0 - roundness * u2).clamp(min=1e-4)).clamp(0.0, 1.0)
    )  # of the height, at this column
    middle, reach = (top + bottom) * 0.5, (bottom - top) * 0.5 * half
    return torch.where(hit, middle - reach, 1.0), torch.where(hit, middle + reach, 0.0)


def _alone(kept: Tensor, rays: columns.Rays, rig: Rig) -> tuple[Tensor, Tensor]:
    """Pixels (n, C, N) and boxes (n, C, N, 4) of things as if nothing stood before them."""
    top, bottom = (edge.clamp(0, rig.height) for edge in _spans(kept, rays))
    hit = bottom > top
    column = torch.arange(rig.width, dtype=torch.float32)
    far = float(10 * (rig.width + rig.height))
    left = torch.where(hit, column, far).amin(dim=3)
    right = torch.where(hit, column + 1.0, -far).amax(dim=3)
    upper = torch.where(hit, top, far).amin(dim=3)
    lower = torch.where(hit, bottom, -far).amax(dim=3)
    box = torch.stack([left, upper, right, lower], dim=3) * hit.any(dim=3)[..., None]
    return torch.where(hit, bottom - top, 0.0).sum(dim=3), box
