"""Small textures for the faces of things, drawn by rule once and looked up per pixel.

A texel is one int32: how much of the thing's own colour shows (8 bits), then red, green and blue laid on top (8 bits
each). A face has SIZE x SIZE of them, left to right, bottom to top; which face a thing shows is its style.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from scenarios.paint.scene import Kind

SIZE = 24
STATES = 4
FACES = 3  # side, front, back
ONE_LAMP = 2  # the state of a vehicle with one tail lamp out of order

_Floats = NDArray[np.float64]
_Face = tuple[_Floats, _Floats, _Floats, _Floats]  # own colour's share, and red, green, blue on top


def _plain(u: _Floats, v: _Floats) -> _Face:
    nothing = np.zeros_like(u)
    return 0.94 + 0.06 * v, nothing, nothing, nothing


def _covered(face: _Face, where: NDArray[np.bool_], colour: tuple[float, float, float], share: float = 0.0) -> _Face:
    own, *planes = face
    red, green, blue = (np.where(where, value, plane) for plane, value in zip(planes, colour, strict=True))
    return np.where(where, share, own), red, green, blue


def _vehicle(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    drawn = _covered(_plain(u, v), v < -0.78, (0.04, 0.04, 0.05))
    width = 0.80 if face == 0 else 0.84
    drawn = _covered(drawn, (v > 0.16) & (v < 0.80) & (np.abs(u) < width), (0.10, 0.13, 0.17))
    if face == 0:
        drawn = _covered(drawn, (np.abs(np.abs(u) - 0.04) < 0.04) & (v > 0.16), (0.0, 0.0, 0.0), 0.8)  # the pillar
        return _covered(drawn, (np.hypot((np.abs(u) - 0.62) * 1.9, (v + 0.72) * 1.05) < 0.34), (0.05, 0.05, 0.05))
    lamps = (np.abs(u) > 0.60) & (np.abs(u) < 0.95) & (v < 0.02) & (v > -0.34)
    if face == 1:
        return _covered(drawn, lamps, (0.95, 0.94, 0.88))
    if state == ONE_LAMP:
        drawn = _covered(drawn, lamps, (0.10, 0.02, 0.02))
        return _covered(drawn, lamps & (u > 0), (0.98, 0.10, 0.08))
    return _covered(drawn, lamps, (0.98, 0.10, 0.08) if state else (0.55, 0.05, 0.05))


def _truck(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    drawn = _covered(_plain(u, v), v < -0.84, (0.04, 0.04, 0.05))
    if face == 0:
        return _covered(drawn, (np.hypot((np.abs(u) - 0.7) * 2.6, (v + 0.85) * 1.5) < 0.3), (0.05, 0.05, 0.05))
    lamps = (np.abs(u) > 0.7) & (v < -0.55) & (v > -0.75)
    if face == 1:
        return _covered(_covered(drawn, (v > 0.0) & (v < 0.6), (0.10, 0.13, 0.17)), lamps, (0.95, 0.94, 0.88))
    return _covered(drawn, lamps, (0.98, 0.10, 0.08) if state else (0.55, 0.05, 0.05))


_GROUND = (0.30, 0.31, 0.30)  # what shows through between legs and spokes; faces have no holes


def _person(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del state
    drawn = _covered(_plain(u, v), v > 0.62, (0.72, 0.55, 0.45))
    drawn = _covered(drawn, (v > 0.84) | ((v > 0.62) & (face == 2)), (0.16, 0.11, 0.08))
    drawn = _covered(drawn, (v < 0.55) & (v > -0.1) & (np.abs(u) > 0.66), (0.0, 0.0, 0.0), 0.6)  # arms
    drawn = _covered(drawn, v < -0.1, (0.05, 0.06, 0.10), 0.15)
    return _covered(drawn, (v < -0.25) & (np.abs(u) < 0.16), _GROUND)


def _cyclist(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    drawn = _covered(_person(u, v, 0, state), v < -0.2, _GROUND)
    if face == 0:
        wheel = np.abs(np.hypot(np.abs(u) - 0.55, (v + 0.6) * 0.9) - 0.32) < 0.10
        leg = (np.abs(u + 0.1 - 0.4 * v) < 0.12) & (v > -0.7)
        return _covered(_covered(drawn, leg & (v < -0.1), (0.05, 0.06, 0.10)), wheel, (0.04, 0.04, 0.04))
    tyre = (np.abs(u) < 0.16) & (v < -0.3)
    legs = (np.abs(np.abs(u) - 0.42) < 0.16) & (v < -0.1) & (v > -0.75)
    drawn = _covered(_covered(drawn, legs, (0.05, 0.06, 0.10)), tyre, (0.04, 0.04, 0.04))
    return _covered(drawn, (np.abs(v + 0.02) < 0.06) & (np.abs(u) > 0.5), (0.05, 0.05, 0.05))  # handlebars


def _motorcycle(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    drawn = _covered(_person(u, v, 0, state), v < -0.05, (0.06, 0.06, 0.07))
    drawn = _covered(drawn, v > 0.62, (0.88, 0.88, 0.90))  # the helmet
    if face == 0:
        wheel = np.abs(np.hypot(np.abs(u) - 0.6, (v + 0.62) * 0.9) - 0.25) < 0.12
        return _covered(_covered(drawn, (v < -0.45) & ~wheel, _GROUND), wheel, (0.03, 0.03, 0.03))
    drawn = _covered(drawn, (v < -0.2) & (np.abs(u) > 0.55), _GROUND)
    lamp = (np.abs(u) < 0.3) & (np.abs(v + 0.2) < 0.12)
    return _covered(drawn, lamp, (0.98, 0.96, 0.90) if face == 1 else (0.98, 0.10, 0.08))


def _stop_sign(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    """Upright, or leaning to the right (1) or the left (2) as seen."""
    del face
    u, v = _turned(u, v, {0: 0.0, 1: -27.0, 2: 27.0}.get(state, 0.0))
    across, up = np.abs(u), np.abs(v)
    rim = np.maximum(np.maximum(across, up), (across + up) / 1.42) > 0.86
    letters = (up < 0.26) & (across < 0.7) & (np.mod((u + 0.7) * (4.0 / 1.4), 1.0) < 0.6)
    return _covered(_plain(u, v), rim | letters, (0.90, 0.90, 0.90))


def _turned(u: _Floats, v: _Floats, degrees: float) -> tuple[_Floats, _Floats]:
    """The same face turned counter-clockwise as seen."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return u * cos + v * sin, v * cos - u * sin


def _no_entry(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    return _covered(_plain(u, v), (np.abs(v) < 0.2) & (np.abs(u) < 0.7), (0.92, 0.92, 0.92))


def _caution(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face
    if not state:
        return _plain(u, v)
    core = 1.0 - 0.35 * np.hypot(u, v)
    return np.zeros_like(u), core, core * 0.78, core * 0.22


def _barrier(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    place = (u + 0.6 * v) * 2.5
    return _covered(_plain(u, v), place - np.floor(place) < 0.5, (0.88, 0.88, 0.88))


def _cone(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    drawn = _covered(_plain(u, v), (v > -0.1) & (v < 0.35), (0.88, 0.88, 0.88))
    outside = (np.abs(u) > 0.62 - 0.45 * v) & (v > -0.86)  # it narrows; its foot is a square
    return _covered(drawn, outside, _GROUND)


def _tree(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    shade = 0.85 + 0.15 * np.sin(9.0 * u + 3.0 * v) * np.cos(8.0 * v - 4.0 * u) + 0.12 * v
    nothing = np.zeros_like(u)
    return np.clip(shade, 0.0, 1.0), nothing, nothing, nothing


def _box(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    return _plain(u, v)


_SEGMENTS = {"0": "abcdef", "1": "bc", "2": "abged", "3": "abgcd", "5": "afgcd", "8": "abcdefg"}
_PLACES = {  # of a digit's segments: left, right, bottom, top, each 0..1
    "a": (0.0, 1.0, 0.82, 1.0), "b": (0.76, 1.0, 0.5, 1.0), "c": (0.76, 1.0, 0.0, 0.5), "d": (0.0, 1.0, 0.0, 0.18),
    "e": (0.0, 0.24, 0.0, 0.5), "f": (0.0, 0.24, 0.5, 1.0), "g": (0.0, 1.0, 0.41, 0.59),
}  # fmt: skip
LIMITS = ("30", "50", "80", "120")
"""km/h, by the state of a speed sign."""


def _digits(u: _Floats, v: _Floats, number: str) -> NDArray[np.bool_]:
    """Where a number's strokes lie, written across the middle of a face."""
    ink = np.zeros(u.shape, np.bool_)
    width = 1.3 / len(number)
    for i, digit in enumerate(number):
        x, y = (u + 0.65 - i * width) / (width * 0.82), (v + 0.42) / 0.84
        for segment in _SEGMENTS[digit]:
            left, right, bottom, top = _PLACES[segment]
            ink |= (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
    return ink


def _speed_sign(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    if face == 2:
        return _covered(_plain(u, v), np.abs(u) < 2.0, (0.5, 0.5, 0.52))
    drawn = _covered(_plain(u, v), np.hypot(u, v) > 0.72, (0.76, 0.06, 0.06))
    return _covered(drawn, _digits(u, v, LIMITS[state]), (0.05, 0.05, 0.05))


def _traffic_light(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    """From the top: red (1), amber (2), green (3); in state 0 all are dark."""
    drawn = _plain(u, v)
    if face == 0:
        return drawn
    bright = {1: (1.0, 0.12, 0.08), 2: (1.0, 0.70, 0.10), 3: (0.10, 0.98, 0.45)}
    dark = {1: (0.22, 0.04, 0.04), 2: (0.22, 0.15, 0.03), 3: (0.03, 0.20, 0.09)}
    for lens, middle in ((1, 0.64), (2, 0.0), (3, -0.64)):
        inside = np.hypot(u * 0.62, v - middle) < 0.30
        drawn = _covered(drawn, inside, bright[lens] if lens == state else dark[lens])
    return drawn


def _lamp_sign(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face
    cross = (np.minimum(np.abs(u), np.abs(v)) < 0.34) & (np.maximum(np.abs(u), np.abs(v)) < 0.95)
    return _covered(_plain(u, v), cross, (0.15, 1.0, 0.40) if state else (0.10, 0.30, 0.15))


def _hydrant(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    drawn = _covered(_plain(u, v), (np.abs(u) > 0.62) & (np.abs(v - 0.15) > 0.17), (0.30, 0.34, 0.28))
    return _covered(drawn, (v > 0.62) & (v < 0.70), (0.85, 0.80, 0.75))


def _advert(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    if face == 2:
        return _plain(u, v)
    drawn = _covered(_plain(u, v), np.maximum(np.abs(u), np.abs(v)) > 0.93, (0.25, 0.25, 0.27))
    scale = 2.0
    x, y = (u + 0.22) * scale, (v - 0.28) * scale
    octagon = np.maximum(np.maximum(np.abs(x), np.abs(y)), (np.abs(x) + np.abs(y)) / 1.42) < 1.0
    own, red, green, blue = _stop_sign(x, y, 0, state)
    sign = [plane + own * colour for plane, colour in zip((red, green, blue), (0.72, 0.08, 0.08), strict=True)]
    shown = [np.where(octagon, of_sign, plain) for of_sign, plain in zip(sign, drawn[1:], strict=True)]
    drawn = np.where(octagon, 0.0, drawn[0]), shown[0], shown[1], shown[2]
    lines = (np.abs(np.mod(v * 5.0, 1.0) - 0.5) < 0.22) & (v < -0.38) & (v > -0.85) & (np.abs(u) < 0.8)
    return _covered(drawn, lines, (0.20, 0.25, 0.50))


def _bag(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    return _covered(_plain(u, v), (np.abs(v) < 0.07) | ((np.abs(u) < 0.12) & (v > 0.3)), (0.35, 0.04, 0.05))


def _animal(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    """From the side: legs, a body, a neck and a head at the front; else a narrow body with a head over it."""
    del state
    if face:
        body = ((np.abs(v + 0.05) < 0.35) & (np.abs(u) < 0.8)) | ((v > 0.3) & (np.abs(u) < 0.4))
        legs = (np.abs(np.abs(u) - 0.5) < 0.16) & (v < 0.0)
        return _covered(_plain(u, v), ~(body | legs), _GROUND)
    body = (np.abs(v + 0.02) < 0.27) & (np.abs(u + 0.15) < 0.62)
    legs = (np.minimum(np.abs(u + 0.62), np.abs(u - 0.30)) < 0.10) & (v < 0.0)
    neck = (np.abs(u - 0.42 - 0.3 * v) < 0.14) & (v > 0.0) & (v < 0.85)
    head = (np.abs(v - 0.72) < 0.16) & (u > 0.45) & (u < 0.98)
    pale = _covered(_plain(u, v), body & (v < -0.15), (0.62, 0.50, 0.36))
    return _covered(pale, ~(body | legs | neck | head), _GROUND)


def _rubbish(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    return _covered(_plain(u, v), np.abs(np.sin(4.0 * u + 5.0 * v)) < 0.25, (0.62, 0.62, 0.62))


def _bicycle(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del state
    drawn = _covered(_plain(u, v), np.abs(u) < 2.0, (0.47, 0.47, 0.46))
    if face:
        return _covered(drawn, np.abs(u) < 0.4, (0.10, 0.10, 0.11))
    wheel = np.abs(np.hypot((np.abs(u) - 0.55) * 1.0, (v + 0.42) * 0.72) - 0.36) < 0.09
    frame = (np.abs(v + 0.1 - 0.9 * np.abs(u)) < 0.13) & (np.abs(u) < 0.6) & (v > -0.45)
    return _covered(
        _covered(drawn, wheel, (0.06, 0.06, 0.07)), frame | ((v > 0.6) & (np.abs(u - 0.5) < 0.2)), (0, 0, 0), 1.0
    )


def _statue(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    return _covered(_plain(u, v), np.sin(6.0 * v + 3.0 * u) > 0.75, (0.36, 0.40, 0.36))


def _school_bus(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del state
    drawn = _covered(_plain(u, v), v < -0.86, (0.04, 0.04, 0.05))
    drawn = _covered(drawn, np.abs(v + 0.18) < 0.05, (0.05, 0.05, 0.05))
    glass = (v > 0.12) & (v < 0.62) & (np.abs(u) < 0.9)
    bars = (np.mod(u * 5.0, 1.0) < 0.16) if face == 0 else (np.abs(u) < 0.06)
    return _covered(drawn, glass & ~bars, (0.10, 0.13, 0.17))


def _roof_load(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    return _covered(_plain(u, v), np.abs(np.abs(u) - 0.55) < 0.08, (0.10, 0.10, 0.12))


def _taxi_sign(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    return _covered(
        _plain(u, v), (np.abs(v) < 0.45) & (np.mod((u + 0.8) * 2.5, 1.0) < 0.5) & (np.abs(u) < 0.8), (0, 0, 0)
    )


def _hump(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del v, state
    stripes = np.mod(u * 7.0, 1.0) < 0.5
    return _covered(_plain(u, u), stripes if face else u > 2.0, (0.06, 0.06, 0.06))


def _gate(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    bars = (np.mod((v + 1.0) * 2.5, 1.0) < 0.55) | (np.abs(u) > 0.94)
    return _covered(_plain(u, v), ~bars, (0.30, 0.38, 0.24))


def _plate(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    lines = (np.abs(np.abs(v) - 0.38) < 0.2) & (np.abs(u) < 0.8) & (np.mod(u * 5.0, 1.0) < 0.75)
    return _covered(_plain(u, v), lines | (np.maximum(np.abs(u), np.abs(v)) > 0.93), (0.08, 0.08, 0.08))


_DRAWN: dict[Kind, Callable[[_Floats, _Floats, int, int], _Face]] = {
    Kind.VEHICLE: _vehicle,
    Kind.TRUCK: _truck,
    Kind.PEDESTRIAN: _person,
    Kind.CYCLIST: _cyclist,
    Kind.STOP_SIGN: _stop_sign,
    Kind.NO_ENTRY: _no_entry,
    Kind.CAUTION_LIGHT: _caution,
    Kind.DARK_LAMP: _caution,
    Kind.BARRIER: _barrier,
    Kind.CONE: _cone,
    Kind.TREE: _tree,
    Kind.SPEED_SIGN: _speed_sign,
    Kind.STICKER: _speed_sign,
    Kind.TRAFFIC_LIGHT: _traffic_light,
    Kind.LAMP_SIGN: _lamp_sign,
    Kind.HYDRANT: _hydrant,
    Kind.ADVERT: _advert,
    Kind.BAG: _bag,
    Kind.ANIMAL: _animal,
    Kind.RUBBISH: _rubbish,
    Kind.BICYCLE: _bicycle,
    Kind.STATUE: _statue,
    Kind.SCHOOL_BUS: _school_bus,
    Kind.ROOF_LOAD: _roof_load,
    Kind.TAXI_SIGN: _taxi_sign,
    Kind.FOLIAGE: _tree,
    Kind.HUMP: _hump,
    Kind.GATE: _gate,
    Kind.PLATE: _plate,
    Kind.MOTORCYCLE: _motorcycle,
}


def atlas() -> NDArray[np.int32]:
    """Every face of every kind in both states: (kinds * STATES * FACES * SIZE * SIZE,) packed texels."""
    middle = (np.arange(SIZE) + 0.5) * (2.0 / SIZE) - 1.0
    v, u = np.meshgrid(middle, middle, indexing="ij")
    texels = np.zeros((len(Kind), STATES, FACES, SIZE, SIZE), np.int64)
    for kind in Kind:
        for state in range(STATES):
            for face in range(FACES):
                layers = _DRAWN.get(kind, _box)(u, v, face, state)
                own, red, green, blue = (np.clip(plane * 255.0, 0, 255).astype(np.int64) for plane in layers)
                texels[kind, state, face] = own << 24 | red << 16 | green << 8 | blue
    return texels.astype(np.uint32).view(np.int32).ravel()
