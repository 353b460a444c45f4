"""What shines around a car: headlights, street lamps, the lamps of rare things, a low sun."""

import numpy as np
from numpy.typing import NDArray

from scenarios import roads
from scenarios.paint.scene import LIGHT, Kind
from scenarios.places.lamps import AMBER, GREEN, RED
from scenarios.slots import Slots
from scenarios.trips import Floats
from scenarios.weather import Sky

_STREET, _HEADLIGHT, _AMBER = (1.0, 0.82, 0.55), (1.0, 0.97, 0.88), (1.0, 0.62, 0.12)
_SIGNALS = {RED: (1.0, 0.16, 0.10), AMBER: _AMBER, GREEN: (0.15, 1.0, 0.45)}
_CROSS, _TAXI, _SUN = (0.2, 1.0, 0.4), (1.0, 0.85, 0.35), (1.0, 0.92, 0.72)
_SUN_M, _SUN_SIZE_M = 500.0, 60.0


def headlights(oncoming: Slots, road: roads.Road) -> NDArray[np.float32]:
    """Of oncoming vehicles, as strong as their glow, (n, k, len(LIGHT))."""
    nose = oncoming.along - oncoming.half_length - 0.1
    x, y, _ = roads.to_car(road, nose, oncoming.aside)
    return _lights(_HEADLIGHT, x, y, np.full_like(x, 0.65), 0.38, oncoming.glow * oncoming.valid)


def lamps(things: Slots, road: roads.Road) -> NDArray[np.float32]:
    """Of rare things that shine: caution lights, traffic lights at the lens that is lit, lit signs."""
    x, y, _ = roads.to_car(road, things.along, things.aside)
    signal = things.kind == Kind.TRAFFIC_LIGHT
    lens = np.where(things.state == RED, 0.83, np.where(things.state == AMBER, 0.5, 0.17))
    z = things.z0 + (things.z1 - things.z0) * np.where(signal, lens, 0.5)
    size = np.where(signal, 0.26, 0.42)
    return _lights(_colours(things), x, y, z, size, things.glow * things.valid)


def _colours(things: Slots) -> tuple[Floats, Floats, Floats]:
    colour = np.broadcast_to(np.array(_AMBER), (*things.kind.shape, 3))
    for state, signal in _SIGNALS.items():
        shows = (things.kind == Kind.TRAFFIC_LIGHT) & (things.state == state)
        colour = np.where(shows[..., None], np.array(signal), colour)
    for kind, own in ((Kind.LAMP_SIGN, _CROSS), (Kind.TAXI_SIGN, _TAXI)):
        colour = np.where((things.kind == kind)[..., None], np.array(own), colour)
    return colour[..., 0], colour[..., 1], colour[..., 2]


def street_lamps(road: roads.Road, along: Floats, night: Floats) -> NDArray[np.float32]:
    """At places (n, k) along the road, on at night; motorways have none."""
    x, y, _ = roads.to_car(road, along, -(road.half[:, None] + 0.2) + 0.0 * along)
    lit = 0.9 * np.clip(1.6 * night - 0.5, 0.0, 1.0) * (road.median == 0.0)
    return _lights(_STREET, x, y, np.full_like(x, 5.5), 0.55, np.broadcast_to(lit[:, None], x.shape))


def sun(sky: Sky, heading_deg: Floats) -> NDArray[np.float32]:
    """A low sun where there is glare: a light far off, (n, 1, len(LIGHT))."""
    aside, height = np.radians(heading_deg - sky.sun_azimuth_deg), np.radians(np.clip(sky.sun_elevation_deg, 2.0, 30.0))
    x, y, z = _SUN_M * np.cos(aside), _SUN_M * np.sin(aside), _SUN_M * np.tan(height)
    power = 1.6 * sky.severities["glare"].astype(np.float64)
    return _lights(_SUN, x[:, None], y[:, None], z[:, None], _SUN_SIZE_M, power[:, None])


def _lights(
    colour: tuple[Floats | float, Floats | float, Floats | float], x: Floats, y: Floats, z: Floats,
    size: Floats | float, power: Floats,
) -> NDArray[np.float32]:  # fmt: skip
    red, green, blue = colour
    values: dict[str, Floats | float] = {
        "x": x, "y": y, "z": z, "size": size, "red": red, "green": green, "blue": blue, "power": power,
    }  # fmt: skip
    return np.stack([np.broadcast_to(values[name], x.shape) for name in LIGHT], axis=2).astype(np.float32)
