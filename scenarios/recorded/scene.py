"""What stands around the ego at given moments, as boxes in its own levelled frame: what a painter asks for."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scenarios.recorded.drive import Blend, Drive, Floats

SLOTS = 48
"""Agents a scene has room for: the nearest."""

REACH_M = 80.0
"""How far the middle of an agent may be from the ego."""


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """Upright boxes around the ego at n moments, nearest first; all arrays (n, K), 0 where not valid.

    x_m, y_m: the middle, forward and left of the ego's reference point; the frame turns with the ego's yaw only
    z0_m, z1_m: underside and top above the road plane
    yaw_rad: counter-clockwise from the ego's heading, in (-pi, pi]
    half_length_m, half_width_m: half sizes
    speed_mps, acceleration_mps2: the agent's own, over ground
    kind: uint8, index into KIND_NAMES
    agent: int64, index into the drive's agents; -1 where not valid
    valid: bool
    """

    x_m: Floats
    y_m: Floats
    z0_m: Floats
    z1_m: Floats
    yaw_rad: Floats
    half_length_m: Floats
    half_width_m: Floats
    speed_mps: Floats
    acceleration_mps2: Floats
    kind: NDArray[np.uint8]
    agent: NDArray[np.int64]
    valid: NDArray[np.bool_]


def scene_at(
    drive: Drive, t_us: NDArray[np.int64], *, slots: int = SLOTS, standing: Literal["logged", "road"] = "logged"
) -> Surroundings:
    """The nearest agents at moments (n,), K = `slots`.

    standing: "logged" keeps the heights of the log against the floor plane of the ego; "road" puts everything on the
    road, for a painter whose ground is flat (signs keep their height above it)
    """
    blend, agents = drive.blend(np.atleast_1d(np.asarray(t_us, np.int64))), drive.agents
    yaw = blend.angle(drive.yaw_rad)[:, None]
    east = blend.linear(agents.x_m) - blend.linear(drive.x_m)[:, None]  # (n, A)
    north = blend.linear(agents.y_m) - blend.linear(drive.y_m)[:, None]
    far = np.where(blend.both(agents.valid), east**2 + north**2, np.inf)  # (n, A)
    agent, valid = _nearest(far, slots)
    if not len(agents):
        return _nothing(len(yaw), slots)
    east, north = (np.take_along_axis(values, agent, axis=1) for values in (east, north))
    kept = _Kept(agent, valid)
    logged = standing == "logged"
    bottom = kept.only(_heights(drive, blend, agent, east, north) if logged else agents.clearance_m[agent])
    turned = blend.angle(agents.yaw_rad, agent) - yaw
    return Surroundings(
        x_m=kept.only(east * np.cos(yaw) + north * np.sin(yaw)),
        y_m=kept.only(north * np.cos(yaw) - east * np.sin(yaw)),
        z0_m=bottom,
        z1_m=bottom + kept.only(agents.height_m[agent]),
        yaw_rad=kept.only(np.pi - np.remainder(np.pi - turned, 2 * np.pi)),
        half_length_m=kept.only(agents.length_m[agent] / 2),
        half_width_m=kept.only(agents.width_m[agent] / 2),
        speed_mps=kept.only(blend.linear(agents.speed_mps, agent)),
        acceleration_mps2=kept.only(blend.linear(agents.acceleration_mps2, agent)),
        kind=np.where(valid, agents.kind[agent], 0).astype(np.uint8),
        agent=np.where(valid, agent, -1),
        valid=valid,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    agent: NDArray[np.int64]
    valid: NDArray[np.bool_]

    def only(self, values: Floats) -> Floats:
        return np.where(self.valid, values, 0.0)


def _nearest(far: Floats, slots: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Agents by distance (n, slots) and which of them are there; far (n, A) in square metres, inf for absent."""
    moments, agents = far.shape
    if agents == 0:
        return np.zeros((moments, slots), np.int64), np.zeros((moments, slots), bool)
    if agents > slots:
        first = np.sort(np.argpartition(far, slots - 1, axis=1)[:, :slots], axis=1)
    else:
        first = np.broadcast_to(np.arange(agents), far.shape)
    distance = np.take_along_axis(far, first, axis=1)
    order = np.argsort(distance, axis=1, kind="stable")
    agent, distance = np.take_along_axis(first, order, axis=1), np.take_along_axis(distance, order, axis=1)
    spare = ((0, 0), (0, slots - agent.shape[1]))
    return np.pad(agent, spare), np.pad(distance <= REACH_M**2, spare)


def _heights(drive: Drive, blend: Blend, agent: NDArray[np.int64], east: Floats, north: Floats) -> Floats:
    """(n, K) heights of undersides above the ego's floor plane."""
    up = np.stack([blend.linear(drive.up[:, axis]) for axis in range(3)], axis=1)[:, :, None]
    rise = blend.linear(drive.agents.z_bottom_m, agent) - blend.linear(drive.z_m)[:, None]
    return east * up[:, 0] + north * up[:, 1] + rise * up[:, 2]


def _nothing(moments: int, slots: int) -> Surroundings:
    zeros = np.zeros((moments, slots))
    absent = np.full((moments, slots), -1, np.int64)
    kind = np.zeros((moments, slots), np.uint8)
    return Surroundings(*(zeros,) * 9, kind, absent, np.zeros((moments, slots), bool))
