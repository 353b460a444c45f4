"""Small textures for the faces of things, drawn by rule once and looked up per pixel.

A texel is one int32: how much of the thing's own colour shows (8 bits), then red, green and blue laid on top (8 bits
each). A face has SIZE x SIZE of them, left to right, bottom to top; which face a thing shows is its style.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from scenarios.paint.scene import Kind

SIZE = 24
STATES = 2
FACES = 3  # side, front, back

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
    return _covered(drawn, lamps, (0.98, 0.10, 0.08) if state else (0.55, 0.05, 0.05))


def _truck(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    drawn = _covered(_plain(u, v), v < -0.84, (0.04, 0.04, 0.05))
    if face == 0:
        return _covered(drawn, (np.hypot((np.abs(u) - 0.7) * 2.6, (v + 0.85) * 1.5) < 0.3), (0.05, 0.05, 0.05))
    lamps = (np.abs(u) > 0.7) & (v < -0.55) & (v > -0.75)
    if face == 1:
        return _covered(_covered(drawn, (v > 0.0) & (v < 0.6), (0.10, 0.13, 0.17)), lamps, (0.95, 0.94, 0.88))
    return _covered(drawn, lamps, (0.98, 0.10, 0.08) if state else (0.55, 0.05, 0.05))


def _person(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    drawn = _covered(_plain(u, v), v > 0.66, (0.72, 0.55, 0.45))
    return _covered(drawn, v < -0.1, (0.05, 0.06, 0.10), 0.15)


def _cyclist(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del state
    drawn = _covered(_person(u, v, face, 0), v < -0.25, (0.06, 0.06, 0.07))
    if face == 0:
        return _covered(drawn, np.hypot(np.abs(u) - 0.5, v + 0.7) < 0.22, (0.30, 0.31, 0.33))
    return drawn


def _stop_sign(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    across, up = np.abs(u), np.abs(v)
    rim = np.maximum(np.maximum(across, up), (across + up) / 1.42) > 0.86
    letters = (up < 0.26) & (across < 0.7) & (np.mod((u + 0.7) * (4.0 / 1.4), 1.0) < 0.6)
    return _covered(_plain(u, v), rim | letters, (0.90, 0.90, 0.90))


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
    return _covered(_plain(u, v), (v > -0.1) & (v < 0.35), (0.88, 0.88, 0.88))


def _tree(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    shade = 0.85 + 0.15 * np.sin(9.0 * u + 3.0 * v) * np.cos(8.0 * v - 4.0 * u) + 0.12 * v
    nothing = np.zeros_like(u)
    return np.clip(shade, 0.0, 1.0), nothing, nothing, nothing


def _box(u: _Floats, v: _Floats, face: int, state: int) -> _Face:
    del face, state
    return _plain(u, v)


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
