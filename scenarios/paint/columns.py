"""Which things an image column looks at.

Cameras are level, so an image column is a vertical plane, and everything on the road is an upright box: a column meets
a box where a ray meets a rectangle on the ground (the slab test; Kay and Kajiya, SIGGRAPH 1986, section 2), once for
all its rows. Each column keeps its nearest things, as the old column renderers did; rows come later.

n cars, C cameras, W columns, H rows, K objects, N objects kept a camera, L layers kept a column.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from scenarios.cameras import Rig
from scenarios.paint.scene import GLOWS, LIGHT, OBJECT, POSE, ROAD, Kind
from scenarios.paint.sprites import FACES, SIZE, STATES

KEPT = 64
"""Things that a camera may keep, by `Rig.things`: what an index into them has room for."""
LAYERS = 2
"""Things a column of the usual rig shows, nearest first: a sign, and what carries it."""
LAYER = ("middle", "scale", "across2", "round", "depth", "texels", "shine", "red", "green", "blue")
"""What a layer says of a column: v = (middle - row) * scale runs from 1 at the top to -1 at the bottom, `across2` is
the square of the place across the face from -1 to 1, `texels` where in the atlas that column of the face begins,
`shine` how much the thing glows."""

CAMERA = ("x", "y", "z", "dx", "dy", "focal", "cy")
SHEET = (
    *(f"{name}{layer}" for layer in range(LAYERS) for name in LAYER),
    *("house_depth", "house_along", "house_side", "tunnel_depth", "tunnel_ahead", "portal"),
    *("covered", "smear0", "smear1"),
    *CAMERA,
    *ROAD,
    *POSE,
    *(f"glow{i}" for i in range(3 * GLOWS)),
    "weather",
)
"""What the pixel pass knows of each image column; `weather` is the first condition, the others follow on, and then the
layers of a rig that has more."""

NEAREST_M = 0.25
TUNNEL_WALK_M = 1.6
"""From the kerb to a tunnel's wall."""
_FAR_KEY = 2**30
_LAMPS = tuple(int(kind) for kind in (Kind.CAUTION_LIGHT, Kind.TRAFFIC_LIGHT, Kind.LAMP_SIGN, Kind.TAXI_SIGN))
_LAST_VEHICLE = int(Kind.TRUCK)
_STEPS_A_METRE = 1024.0


@dataclass(frozen=True, slots=True, eq=False)
class Rays:
    """The rig as tensors: float32, shapes (C, 1) or (C, W).

    x, y, z: (C, 1) places of the cameras in the car frame, m
    dx, dy: (C, W) ground direction of each column for one metre of depth along the view axis
    focal, cx, cy: (C, 1) pixels
    cos, sin: (C, 1) direction of the view axis
    things, layers: as the rig says
    """

    x: Tensor
    y: Tensor
    z: Tensor
    dx: Tensor
    dy: Tensor
    focal: Tensor
    cx: Tensor
    cy: Tensor
    cos: Tensor
    sin: Tensor
    things: int
    layers: int


def rays_of(rig: Rig, device: str) -> Rays:
    """The rig's rays on a device."""

    def column(values: list[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64).unsqueeze(1)  # (C, 1)

    cameras = rig.cameras
    yaw = torch.deg2rad(column([camera.yaw_deg for camera in cameras]))
    focal, cx = column([camera.focal for camera in cameras]), column([camera.cx for camera in cameras])
    left = (cx - (torch.arange(rig.width, dtype=torch.float64) + 0.5)) / focal  # (C, W)
    cos, sin = torch.cos(yaw), torch.sin(yaw)
    x, y, z, cy = (column([getattr(camera, name) for camera in cameras]) for name in ("x_m", "y_m", "z_m", "cy"))

    def ready(value: Tensor) -> Tensor:
        return value.float().contiguous().to(device)

    return Rays(
        x=ready(x), y=ready(y), z=ready(z), dx=ready(cos - sin * left), dy=ready(sin + cos * left),
        focal=ready(focal), cx=ready(cx), cy=ready(cy), cos=ready(cos), sin=ready(sin),
        things=rig.things, layers=rig.layers,
    )  # fmt: skip


def nearest(objects: Tensor, rays: Rays) -> tuple[Tensor, Tensor]:
    """Objects (n, K, F): for each camera its nearest ones in view, (n, C, N, F), and their slots (n, C, N)."""
    x, y, half_length, half_width = (
        objects[:, None, :, OBJECT.index(name)] for name in ("x", "y", "half_length", "half_width")
    )
    kind = objects[:, None, :, OBJECT.index("kind")]  # (n, 1, K)
    dx, dy = x - rays.x, y - rays.y  # (n, C, K)
    depth = dx * rays.cos + dy * rays.sin
    left = dy * rays.cos - dx * rays.sin
    radius = half_length + half_width
    edge = rays.cx / rays.focal  # tangent of half the field of view
    seen = (depth + radius > NEAREST_M) & (left.abs() - radius < edge * (depth + radius)) & (kind > 0)
    rank = torch.where(seen, dx * dx + dy * dy, torch.full_like(dx, 1e9))
    slots = torch.topk(rank, min(rays.things, rank.shape[2]), dim=2, largest=False, sorted=True).indices
    kept = objects[:, None].expand(-1, rays.x.shape[0], -1, -1)
    return torch.gather(kept, 2, slots[..., None].expand(-1, -1, -1, len(OBJECT))), slots


def crossings(box: Tensor, rays: Rays) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Box (n, C, N or 1, F, W or 1): depth in and out along each column, (n, C, ., W), face and place across it."""

    def of(name: str) -> Tensor:
        return box[:, :, :, OBJECT.index(name)]

    cos, sin, half_length, half_width = of("cos"), of("sin"), of("half_length"), of("half_width")
    rx, ry = rays.x[:, None] - of("x"), rays.y[:, None] - of("y")
    ox, oy = cos * rx + sin * ry, cos * ry - sin * rx  # the camera, seen from the box
    dx = cos * rays.dx[:, None] + sin * rays.dy[:, None]
    dy = cos * rays.dy[:, None] - sin * rays.dx[:, None]  # (n, C, N, W)
    dx = torch.where(dx.abs() < 1e-6, torch.full_like(dx, 1e-6), dx)
    dy = torch.where(dy.abs() < 1e-6, torch.full_like(dy, 1e-6), dy)
    ix, iy = 1.0 / dx, 1.0 / dy
    middle_x, middle_y, span_x, span_y = -ox * ix, -oy * iy, half_length * ix.abs(), half_width * iy.abs()
    into_x, into_y = middle_x - span_x, middle_y - span_y
    into, out = torch.maximum(into_x, into_y), torch.minimum(middle_x + span_x, middle_y + span_y)
    by_end = into_x > into_y
    face = torch.where(by_end, torch.where(dx < 0, 1.0, 2.0), 0.0)
    across = torch.where(by_end, (oy + into * dy) / half_width, (ox + into * dx) / half_length)
    return into, out, face, across


def layer_keys(kept: Tensor, rays: Rays) -> Tensor:
    """Kept (n, C, N, F): the nearest L things of each column as keys, depth and index in one int32, (n, C, L, W)."""
    into, out, _, _ = crossings(kept[..., None], rays)
    hit = (into < out) & (into > NEAREST_M) & (kept[:, :, :, OBJECT.index("kind")][..., None] > 0)
    index = torch.arange(kept.shape[2], dtype=torch.int32, device=kept.device)[:, None]
    keys = torch.where(hit, (into.clamp(max=500.0) * _STEPS_A_METRE).to(torch.int32) * KEPT + index, _FAR_KEY)
    found = []
    for _ in range(rays.layers):
        least = keys.amin(dim=2)  # (n, C, W)
        found.append(least)
        keys = torch.where(keys > least[:, :, None], keys, _FAR_KEY)  # torch 2.13 compiles <= wrongly for 256 bits
    return torch.stack(found, dim=2)


def extent(box: Tensor, into: Tensor, out: Tensor, rays: Rays) -> tuple[Tensor, Tensor]:
    """Rows where a box begins and ends in each column; a low thing shows its top face too, up to its far edge."""
    z, focal, cy = rays.z[:, None], rays.focal[:, None], rays.cy[:, None]
    z0, z1 = box[:, :, :, OBJECT.index("z0")], box[:, :, :, OBJECT.index("z1")]
    top = cy - focal * (z1 - z) / torch.where(z1 > z, into, out)
    return top, cy - focal * (z0 - z) / torch.where(z0 > z, out, into)


def layers(kept: Tensor, keys: Tensor, rays: Rays) -> Tensor:
    """What each column needs to paint its layers: (n, C, L, len(LAYER), W)."""
    there = keys < _FAR_KEY  # (n, C, L, W)
    index = torch.where(there, keys & (KEPT - 1), torch.zeros_like(keys)).long()
    cars, cameras, depth_order, width = index.shape
    flat = index.reshape(cars, cameras, 1, -1).expand(-1, -1, len(OBJECT), -1)
    box = torch.gather(kept.transpose(2, 3), 3, flat)  # (n, C, F, L * W)
    box = box.reshape(cars, cameras, len(OBJECT), depth_order, width).transpose(2, 3)  # (n, C, L, F, W)
    into, out, face, across = crossings(box, rays)
    into = into.clamp(min=NEAREST_M)
    top, bottom = extent(box, into, out, rays)
    half = ((bottom - top) * 0.5).clamp(min=1e-3)
    scale = torch.where(there, 1.0 / half, torch.full_like(half, 1e6))
    middle = torch.where(there, (bottom + top) * 0.5, torch.full_like(half, -1e3))
    kind, state = box[:, :, :, OBJECT.index("kind")], box[:, :, :, OBJECT.index("state")]
    lit = (state > 0.5).to(state.dtype)
    style = (kind * STATES + state.round().clamp(0.0, STATES - 1.0)) * FACES + face
    texels = style * (SIZE * SIZE) + torch.floor((across.clamp(-1.0, 0.999) + 1.0) * (SIZE / 2))
    shade = torch.where(face == 0.0, 0.88, 1.0)
    colour = [box[:, :, :, OBJECT.index(name)] * shade for name in ("red", "green", "blue")]
    lamp = (kind == _LAMPS[0]) | (kind == _LAMPS[1]) | (kind == _LAMPS[2]) | (kind == _LAMPS[3])
    shine = lit * torch.where(lamp, 0.9, torch.where((face == 2.0) & (kind <= _LAST_VEHICLE), 0.25, 0.0))
    roundness = box[:, :, :, OBJECT.index("round")]
    return torch.stack([middle, scale, across * across, roundness, into, texels, shine, *colour], dim=3)


def houses(road: Tensor, rays: Rays) -> Tensor:
    """What closes the street, (n, C, 6, W).

    Of the houses: depth, m along the road, and side (0 = none here); of a tunnel's or bridge's walls: depth, m ahead,
    and the depth at which its roof begins.
    """

    def of(name: str) -> Tensor:
        return road[:, ROAD.index(name)][:, None, None]

    cos, sin, bend = of("cos"), of("sin"), 0.5 * of("curvature")
    ox = cos * rays.x - sin * rays.y
    oy = of("offset") + sin * rays.x + cos * rays.y  # (n, C, 1)
    dx = cos * rays.dx - sin * rays.dy
    dy = sin * rays.dx + cos * rays.dy  # (n, C, W)
    dy = torch.where(dy.abs() < 1e-4, torch.full_like(dy, 1e-4), dy)
    wall = of("facade") * torch.sign(dy)
    depth = (wall - oy) / dy
    for _ in range(2):  # the road bends: d = y - x^2 * curvature / 2
        ahead = (ox + depth * dx).clamp(-150.0, 150.0)
        depth = ((wall + bend * ahead * ahead - oy) / dy).clamp(0.5, 400.0)
    ahead = ox + depth * dx
    open_street = (ahead - of("junction")).abs() < 9.0
    seen = (ahead.abs() < 150.0) & (depth < 250.0) & ~open_street
    side = seen.to(depth.dtype) * torch.sign(dy)
    pillar = (of("lanes") * of("lane_width") + TUNNEL_WALK_M) * torch.sign(dy)
    pillar = torch.where(pillar > 0, pillar + of("median"), pillar)
    wall_depth = ((pillar - oy) / dy).clamp(0.5, 400.0)
    portal = torch.where(dx.abs() > 1e-4, (of("roof") - ox) / torch.where(dx.abs() > 1e-4, dx, 1e-4), -1.0)
    return torch.stack([depth, of("along") + ahead, side, wall_depth, ox + wall_depth * dx, portal], dim=2)


def lens(rig_columns: Tensor, covered: Tensor, noise: Tensor) -> Tensor:
    """How covered each lens is, and two waves across the columns that its smears are made of, (n, C, 3, W).

    rig_columns: (W,) numbers of the columns over their count; covered: (n, C); noise: (n,) any number that stays.
    """
    cameras = covered.shape[1]
    place = noise[:, None] * 0.37 + torch.arange(cameras, dtype=noise.dtype, device=noise.device) * 2.3
    first = bump(rig_columns * 3.1 + place[..., None])
    second = bump(rig_columns * 5.7 + place[..., None] * 1.7 + 0.4)
    return torch.stack([covered[..., None].expand_as(first), first, second], dim=2)


def bump(value: Tensor) -> Tensor:
    """A smooth wave of period 1 between 0 and 1."""
    away = ((value - torch.floor(value)) * 2.0 - 1.0).abs()
    return away * away * (3.0 - 2.0 * away)


def glows(lights: Tensor, found: Tensor, rays: Rays, height: int) -> tuple[Tensor, Tensor]:
    """Lights (n, G, .): the brightest per camera as separable halos: colours across (n, C, g, 3, W), rows (n, C, g, H).

    found: (n, C, L, len(LAYER), W): a light behind a layer is not seen.
    """
    x, y, z, size, _, _, _, power = (lights[:, None, :, i] for i in range(len(LIGHT)))  # (n, 1, G)
    dx, dy = x - rays.x, y - rays.y
    depth = dx * rays.cos + dy * rays.sin  # (n, C, G)
    left = dy * rays.cos - dx * rays.sin
    near = depth.clamp(min=0.5)
    column = rays.cx - rays.focal * left / near
    row = rays.cy - rays.focal * (z - rays.z) / near
    radius = (rays.focal * size / near).clamp(0.6, 14.0)
    width = found.shape[4]
    at = column.clamp(0, width - 1).long()[:, :, None].expand(-1, -1, found.shape[2], -1)
    layer_depth, middle, scale = (
        torch.gather(found[:, :, :, LAYER.index(name)], 3, at) for name in ("depth", "middle", "scale")
    )  # (n, C, L, G)
    hides = (layer_depth < near[:, :, None] - 0.6) & ((row[:, :, None] - middle).abs() * scale < 1.0)
    seen = (depth > 0.5) & (column > -radius) & (column < width + radius) & ~hides.any(dim=2)
    strength = torch.where(seen, power * torch.ones_like(radius), torch.zeros_like(radius))
    best = torch.topk(strength * radius, min(GLOWS, strength.shape[2]), dim=2).indices  # (n, C, g)
    column, row, radius, strength = (torch.gather(v, 2, best) for v in (column, row, radius, strength))
    columns = torch.arange(width, device=found.device, dtype=found.dtype) + 0.5
    rows = torch.arange(height, device=found.device, dtype=found.dtype) + 0.5
    across = torch.exp(-(((columns - column[..., None]) / radius[..., None]) ** 2)) * strength[..., None]
    down = torch.exp(-(((rows - row[..., None]) / radius[..., None]) ** 2))
    colours = lights[:, None, :, 4:7].expand(-1, rays.x.shape[0], -1, -1)
    colour = torch.gather(colours, 2, best[..., None].expand(-1, -1, -1, 3))
    return across[:, :, :, None] * colour[..., None], down


def sheet_of(  # noqa: PLR0913, PLR0917 - a scene has this many parts
    kept: Tensor, lights: Tensor, road: Tensor, pose: Tensor, weather: Tensor, covered: Tensor, rays: Rays, height: int
) -> tuple[Tensor, Tensor]:
    """All the pixel pass needs: (n * C, len(SHEET) + more weather and layers, W) and halos' rows (n * C, g, H, 1)."""
    found = layers(kept, layer_keys(kept, rays), rays)
    cars, cameras, _, _, width = found.shape
    across, down = glows(lights, found, rays, height)
    whole = (cars, cameras, -1, width)
    camera = torch.stack([getattr(rays, name).expand(cameras, width) for name in CAMERA], dim=1)
    parts = [
        found[:, :, :LAYERS].reshape(whole),
        houses(road, rays),
        lens(torch.arange(width, dtype=road.dtype, device=road.device) / width, covered, road[:, ROAD.index("seed")]),
        camera[None].expand(cars, -1, -1, -1),
        road[:, None, :, None].expand(-1, cameras, -1, width),
        pose[:, None, :, None].expand(-1, cameras, -1, width),
        across.reshape(whole),
        weather[:, None, :, None].expand(-1, cameras, -1, width),
        found[:, :, LAYERS:].reshape(whole),
    ]
    return torch.cat(parts, dim=2).reshape(cars * cameras, -1, width), down.reshape(cars * cameras, -1, height, 1)
