"""What colour a pixel has: sky, houses, road and things, in one pass over the picture.

I images (cars times cameras), L layers, W columns, H rows. Everything is written for one compiled kernel: no branches,
no gathers but the atlas and the ground, one value per pixel at a time. fast path: integer hashes and packed layers, see
benchmarks/paint.py.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from scenarios.conditions import Effect, View
from scenarios.paint.columns import LAYER, LAYERS, SHEET, bump
from scenarios.paint.scene import GLOWS
from scenarios.paint.sprites import SIZE

_SKY_M = 300.0
_ROOF_M = 5.2  # of tunnels and bridges, above the road


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Everything an image column needs, by name, for I = n * C images side by side.

    values: (I, len(SHEET), W) float32
    rows: (H, 1) float32 middles of the rows
    night: which of the conditions is the night
    layers: how many there are; those beyond the usual ones stand at the end

    fast path: what is one number per image stands here once per column, so that every value of the pixel pass has the
    same loops and torch fuses the pass into one kernel, see benchmarks/paint.py.
    """

    values: Tensor
    rows: Tensor
    night: int = 0
    layers: int = LAYERS

    def severity(self, condition: int) -> Tensor:
        """How strong a condition is, by its number, (I, 1, W)."""
        return self.values[:, SHEET.index("weather") + condition, None]

    def of(self, name: str) -> Tensor:
        """A value by name, (I, 1, W)."""
        return self.values[:, SHEET.index(name), None]

    def layer(self, layer: int, name: str) -> Tensor:
        """A layer's value by name, (I, 1, W)."""
        first = layer * len(LAYER) if layer < LAYERS else (layer - self.layers) * len(LAYER)
        return self.values[:, first + LAYER.index(name), None]

    def glow(self, glow: int, channel: int) -> Tensor:
        """A halo's colour across the columns, (I, 1, W)."""
        return self.values[:, SHEET.index("glow0") + glow * 3 + channel, None]

    def place(self, depth: Tensor) -> tuple[Tensor, Tensor]:
        """Where in the car frame a pixel of a given depth lies: x and y, (I, H, W) m."""
        return self.of("x") + depth * self.of("dx"), self.of("y") + depth * self.of("dy")


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """What a pixel shows where no thing stands, each (I, H, W).

    red, green, blue: colour
    depth: m
    shine: 0..1, lit from inside
    wet: 1 where it is road, which mirrors in the rain
    """

    red: Tensor
    green: Tensor
    blue: Tensor
    depth: Tensor
    shine: Tensor
    wet: Tensor


def hashed(value: Tensor) -> Tensor:
    """Whole numbers (int32) to [0, 1): a multiply and xor-shift hash."""
    mixed = value * 0x27D4EB2D
    mixed = (mixed ^ ((mixed >> 15) & 0x1FFFF)) * 0x2C1B3C6D
    return ((mixed >> 9) & 0x3FFFFF).float() * (1.0 / 4194304.0)


def _line(distance: Tensor, half_width: float, sharp: Tensor) -> Tensor:
    """How much of a pixel a painted line covers, at so many pixels a metre: smooth edges, thin lines fade."""
    cover = ((half_width - distance) * sharp + 0.5).clamp(min=0.0)
    return torch.minimum(cover, (2.0 * half_width * sharp).clamp(max=1.0))


@dataclass(frozen=True, slots=True, eq=False)
class _Ground:
    """Where on a drawn road a pixel lies, each (I, H, W) m.

    ahead, along: from the car along the road, and since the trip began
    aside: left of the middle line of the own or the oncoming carriageway; away: the same without its sign
    between: whether it lies on what parts the two; shoulder: paved, beside the lanes
    """

    ahead: Tensor
    along: Tensor
    aside: Tensor
    away: Tensor
    between: Tensor
    shoulder: Tensor


def drawn_ground(sheet: Sheet, depth: Tensor) -> Surface:
    """Asphalt, lanes, crosswalks, parking bays, pavement and grass of a drawn street; depth (I, H, W) m."""
    of = sheet.of
    at = _ground_at(sheet, depth)
    crossing_street = (at.ahead - of("junction")).abs() < 5.5
    half_road = of("lanes") * of("lane_width")
    on_road = ((at.away < half_road + at.shoulder) & ~at.between) | crossing_street
    sharp = (of("focal") / depth).clamp(max=100.0)  # pixels a metre
    lines, yellow = _lines(sheet, at, sharp)
    to_crossing = torch.minimum((at.ahead - of("crossing")).abs(), (at.ahead - of("crossing_behind")).abs())
    zebra = (to_crossing < 1.7) & (at.away < half_road)
    bar = at.aside - torch.floor(at.aside)
    stripe = ((0.25 - (bar - 0.5).abs()) * sharp + 0.5).clamp(0.0, 1.0)
    paint = torch.where(zebra, stripe * 0.9, torch.where(crossing_street, 0.0, lines))
    yellow = torch.where(zebra, 0.0, yellow)
    walk = ((at.away < half_road + of("walk")) & ~at.between).float()
    stone = (at.away < half_road + 0.25).float() * 0.16
    off_red, off_green, off_blue = 0.255 + 0.245 * walk, 0.345 + 0.145 * walk, 0.165 + 0.31 * walk
    base_red = torch.where(on_road, 0.30, off_red + stone)
    base_green = torch.where(on_road, 0.30, off_green + stone)
    base_blue = torch.where(on_road, 0.31, off_blue + stone)
    return Surface(
        base_red + (0.86 - base_red) * paint,
        base_green + (0.86 - 0.14 * yellow - base_green) * paint,
        base_blue + (0.86 - 0.58 * yellow - base_blue) * paint,
        depth,
        torch.zeros_like(depth),
        on_road.float(),
    )


def _ground_at(sheet: Sheet, depth: Tensor) -> _Ground:
    of = sheet.of
    x, y = sheet.place(depth)
    ahead = of("cos") * x - of("sin") * y
    aside = of("offset") + of("sin") * x + of("cos") * y
    aside = aside - 0.5 * of("curvature") * ahead * ahead.abs().clamp(max=120.0) * torch.sign(ahead)
    median = of("median")
    between = (aside > 0.0) & (aside < median)
    aside = torch.where(aside > 0.0, aside - median, aside)
    shoulder = torch.where((of("bays") > 0.0) | (median > 0.0), of("walk"), torch.zeros_like(median))
    return _Ground(ahead, of("along") + ahead, aside, aside.abs(), between, shoulder)


def _lines(sheet: Sheet, at: _Ground, sharp: Tensor) -> tuple[Tensor, Tensor]:
    """How much of a pixel lane lines, or those of parking bays, cover, and where they are yellow, (I, H, W)."""
    of = sheet.of
    half_road, bays = of("lanes") * of("lane_width"), of("bays") > 0.0
    lane = at.aside / of("lane_width")
    nearest = torch.round(lane)
    middle, edge = nearest == 0, nearest.abs() == of("lanes")
    cycle = at.along * (1.0 / 9.0)
    dashed = ((cycle - torch.floor(cycle)) < 0.38) | middle | edge
    stall = at.along * (1.0 / 2.88)  # width of a parking bay
    distance = torch.where(bays, (stall - torch.round(stall)).abs() * 2.88, (lane - nearest).abs() * of("lane_width"))
    in_bays = (at.away > half_road) & (at.away < half_road + at.shoulder)
    there = torch.where(bays, in_bays, dashed & (at.away < half_road + 0.2)) & ~at.between
    paint = torch.where(there, _line(distance, 0.075, sharp) * (1.0 - 0.75 * of("wear")), 0.0)
    return paint, (middle & ~bays & (of("median") == 0.0)).float()


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """The thing a pixel shows, each (I, H, W); meaningless where none is there."""

    there: Tensor
    depth: Tensor
    shine: Tensor
    red: Tensor
    green: Tensor
    blue: Tensor


def choose(sheet: Sheet) -> tuple[list[Tensor], Tensor]:
    """Whether each layer covers a pixel, nearest first, and the place up the face of the nearest that does, -1 to 1."""
    covers: list[Tensor] = []
    up = torch.zeros_like(sheet.rows + sheet.layer(0, "middle"))
    for layer in reversed(range(sheet.layers)):
        v = (sheet.layer(layer, "middle") - sheet.rows) * sheet.layer(layer, "scale")
        v2, u2 = v * v, sheet.layer(layer, "across2")
        inside = (v2 <= 1.0) & (u2 + v2 - sheet.layer(layer, "round") * u2 * v2 <= 1.0)
        covers.insert(0, inside)
        up = torch.where(inside, v, up)
    return covers, up


def pick(sheet: Sheet, texels: Tensor) -> Hit:
    """The nearest thing at every pixel, painted from the atlas (texels, int32)."""
    covers, up = choose(sheet)

    def picked(name: str) -> Tensor:
        value = sheet.layer(sheet.layers - 1, name)
        for layer in reversed(range(sheet.layers - 1)):
            value = torch.where(covers[layer], sheet.layer(layer, name), value)
        return value

    row = torch.floor((up + 1.0) * (SIZE / 2)).clamp(max=SIZE - 1.0)
    texel = texels[(picked("texels") + row * SIZE).int()]
    own = ((texel >> 24) & 255).float() * (1.0 / 255.0)
    red, green, blue = (
        picked(name) * own + ((texel >> shift) & 255).float() * (1.0 / 255.0)
        for name, shift in (("red", 16), ("green", 8), ("blue", 0))
    )
    there = covers[0]
    for cover in covers[1:]:
        there = there | cover
    return Hit(there, picked("depth"), picked("shine"), red, green, blue)


def street(sheet: Sheet) -> Surface:
    """Sky and houses, for rows above the horizon."""
    of = sheet.of
    depth, along, side = of("house_depth"), of("house_along"), of("house_side")
    number = torch.floor(along * (1.0 / 16.0)).int() * 2 + (side > 0).int() + of("seed").int() * 131
    tall, tint, sort = hashed(number), hashed(number + 7_001), hashed(number + 14_009)
    green = (sort < 0.22) | (of("median") > 0.0)  # some lots are hedges and trees; along motorways all are
    height = torch.where(green, 2.2 + 2.0 * tall, 6.0 + 16.0 * tall * tall)
    level = of("cy") - sheet.rows
    slope = level / of("focal")
    z = of("z") + depth * slope
    wall = (z < height) & (side != 0.0)
    column, floor = along * (1.0 / 2.6), z * (1.0 / 3.0)
    bay, storey = torch.floor(column), torch.floor(floor)
    pane = ((column - bay - 0.5).abs() < 0.24) & ((floor - storey - 0.52).abs() < 0.24) & ~green
    lit = (hashed(bay.int() * 37 + storey.int() * 911 + number) > 0.62) & pane & wall
    brick = 0.42 + 0.26 * tint
    red = torch.where(green, 0.20, torch.where(pane, 0.20, brick))
    greens = torch.where(green, 0.30 + 0.06 * tint, torch.where(pane, 0.23, brick * (0.86 + 0.08 * tall)))
    blue = torch.where(green, 0.16, torch.where(pane, 0.28, brick * (0.72 + 0.16 * tint)))
    up = level / of("cy")
    warm = lit.float() * sheet.severity(sheet.night)  # windows shine at night
    open_air = Surface(
        torch.where(wall, red, 0.80 - 0.34 * up) + 0.55 * warm,
        torch.where(wall, greens, 0.85 - 0.22 * up) + 0.42 * warm,
        torch.where(wall, blue, 0.90 - 0.06 * up) + 0.18 * warm,
        torch.where(wall, depth, _SKY_M),
        0.8 * lit.float(),
        torch.zeros_like(z),
    )
    return _under_a_roof(sheet, slope, open_air)


def _under_a_roof(sheet: Sheet, slope: Tensor, behind: Surface) -> Surface:
    """The walls, roof and portal of a tunnel or a bridge in front of what is behind; slope: of the ray, upwards."""
    of = sheet.of
    z = of("z")
    slab = ((_ROOF_M - z) / slope.clamp(min=1e-3)).clamp(max=_SKY_M)  # depth of the roof's underside
    wall, portal = of("tunnel_depth"), of("portal")
    begins, ends = of("roof"), of("roof_end")
    x, y = sheet.place(slab)
    ceiling = (x > begins) & (x < ends) & (slab < wall)
    side_z = z + wall * slope
    side = (of("tunnel_ahead") > begins) & (of("tunnel_ahead") < ends) & (side_z < _ROOF_M)
    face_z = z + portal * slope
    face = (portal > 0.5) & (face_z > _ROOF_M) & (face_z < _ROOF_M + 1.7) & (portal < wall)
    depth = torch.where(ceiling, slab, torch.where(side, wall, portal))
    there = (ceiling | side | face) & (depth < behind.depth)
    lamps = ((x * 0.2 - torch.floor(x * 0.2)) < 0.3) & ceiling & (y.abs() < 0.7)
    grey = torch.where(lamps, 1.6, torch.where(ceiling, 0.42, torch.where(side, 0.72, 0.58)))
    return Surface(
        torch.where(there, grey, behind.red),
        torch.where(there, grey * 0.97, behind.green),
        torch.where(there, grey * 0.88, behind.blue),
        torch.where(there, depth, behind.depth),
        torch.where(there, lamps.float(), behind.shine),
        behind.wet,
    )


def lit_by_lamps(sheet: Sheet, depth: Tensor, far: Tensor) -> tuple[Tensor, Tensor]:
    """0..1: the car's own headlights ahead, a street lamp every 40 m, a tunnel's lamps; and 1 where a roof is above."""
    of = sheet.of
    x, y = sheet.place(depth)
    front = x.clamp(min=0.0)
    beam = (1.0 - y.abs() / (2.5 + 0.28 * front)).clamp(min=0.0) * 16.0 / (9.0 + front)
    beam = torch.where(x > 1.0, beam, 0.0)
    place = (of("along") + x - 8.0) * (1.0 / 40.0)
    lamp = 1.0 - 2.0 * (place - torch.round(place)).abs()
    street = torch.where(of("median") > 0.0, 0.0, 0.34 * lamp * lamp * (1.0 - far))
    roofed = ((x > of("roof")) & (x < of("roof_end"))).float()
    return (0.75 * beam + street + 0.7 * roofed).clamp(max=1.0), roofed


def smears(sheet: Sheet, height: int) -> Tensor:
    """Where dried dirt lies on a lens, (I, H, W) 0..1: two grids of round blotches, laid over each other."""
    place, seed = sheet.rows * (1.0 / height), sheet.of("seed")
    down = [bump(place * often + seed * 0.31) for often in (2.3, 3.7)]
    blotch = sheet.of("smear0") * down[0] + sheet.of("smear1") * down[1]
    return ((blotch - 0.35) * 2.5).clamp(0.0, 1.0)


def halos(sheet: Sheet, down: Tensor) -> list[Tensor]:
    """Lamps' halos, separable: colours across the columns times (I, glows, H, 1) down the rows; three (I, H, W)."""
    planes = []
    for channel in range(3):
        plane = down[:, 0] * sheet.glow(0, channel)
        for glow in range(1, GLOWS):
            plane = plane + down[:, glow] * sheet.glow(glow, channel)
        planes.append(plane)
    return planes


def finish(view: View, halo: list[Tensor], effects: list[Effect], sheet: Sheet) -> tuple[Tensor, ...]:
    """Weather over the view, lamps' halos, what covers the lens, sensor noise: three planes of uint8."""
    for i, effect in enumerate(effects):
        view = effect(view, sheet.severity(i))
    noise = (view.grain - 0.5) * 0.03
    through = 1.0 - sheet.of("covered")
    mud = 0.11 * sheet.of("covered") * (0.7 + 0.3 * view.smear)
    return tuple(
        (((plane + glow) * through + mud + noise).clamp(0.0, 1.0) * 255.0 + 0.5).to(torch.uint8)
        for plane, glow in zip((view.red, view.green, view.blue), halo, strict=True)
    )
