"""A small finished run made of arithmetic: every table has rows, every clip pictures, and truth knows who was right."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg

from scenarios import Draws
from telemetry import Clip, Loopback

CARS, START_US, STEP_US, BARRIERS = 60, 18 * 3_600_000_000 + 1_800_000_000, 10_000_000, 6
RUN = "evening-7-1"
DRAWS = Draws(7)
CAR = np.arange(CARS, dtype=np.uint32)
SEVERITIES = {
    "rain": np.where(CAR % 3 == 0, 0.7, 0.0),
    "fog": np.where(CAR % 11 == 0, 0.6, 0.0),
    "night": np.where(CAR % 2 == 0, 0.9, 0.1),
    **{name: np.zeros(CARS) for name in ("snow", "glare", "dirty_lens", "tunnel")},
}
FIRES = [
    (int(car), START_US + 3_000_000 + int(car) * 900_000, name)
    for car, name in zip(CAR[::2], ["caution_light", "stop_sign_unsure", "caution_light"] * 10, strict=True)
]


def write_run(
    folder: Path, *, complete: bool = True, rows: bool = True, clips: bool = True, maps: Sequence[bytes] = ()
) -> Path:
    """A run folder as a simulation leaves it; without rows, as one that was killed before its first barrier.

    maps: what a viewer each saw at every tick of every clip
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.yaml").write_text(
        "name: evening\nseed: 7\ncars: 60\nstart: '18:30:00'\nduration: 1m\nworld: {name: rainy_city}\n"
        "loadout: {production: hydranet-v1, shadows: [hydranet-v2-cand], triggers: [caution_light, stop_sign_unsure]}\n"
    )
    manifest = {
        "schema": 1,
        "run": RUN,
        "seed": 7,
        "weights": {"hydranet-v1": "ab" * 32},
        "triggers": {"caution_light": 1, "stop_sign_unsure": 1},
        "complete": complete,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest | {"digest": "cd" * 32 if complete else None}))
    wire = Loopback(folder, run=RUN, sender="test")
    for clip in [clip_of(*fire) for fire in FIRES] if clips and rows else []:
        seen = {f"viewer-{i}": [each] * len(clip.ticks) for i, each in enumerate(maps)}
        wire.send_clip(replace(clip, top_down=seen, sha256=""))
    for table, columns in _tables().items() if rows else ():
        wire.send_rows(table, "only", columns)
    wire.drain()
    wire.flush()
    wire.close()
    return folder


def clip_id(car: int, t_us: int, trigger: str) -> str:
    return f"{car}-{t_us // 100_000}-{trigger}"


def clip_of(car: int, t_us: int, trigger: str) -> Clip:
    ticks = tuple(range(t_us // 100_000 - 40, t_us // 100_000 + 41, 10))
    cameras = ("main", "narrow")
    return Clip(
        id=clip_id(car, t_us, trigger),
        run=RUN,
        car=car,
        tick=t_us // 100_000,
        t_us=t_us,
        trigger=trigger,
        version=1,
        score=score_of(car),
        priority=20,
        ticks=ticks,
        cameras=cameras,
        complete=True,
        percepts={},
        shadows={},
        frames=[[_jpeg(car, tick - ticks[0], zoom) for zoom in (1, 3)] for tick in ticks],
        calibration=[
            {
                "name": name,
                "x_m": 1.0,
                "y_m": 0.0,
                "z_m": 1.4,
                "yaw_deg": 0.0,
                "fov_deg": 50.0,
                "height": 64,
                "width": 96,
                "fx": 100.0,
                "fy": 100.0,
                "cx": 48.0,
                "cy": 29.0,
            }
            for name in cameras
        ],
        poses=[{"x_m": 0.0, "y_m": 0.0, "heading_deg": 0.0, "latitude": 47.37, "longitude": 8.54} for _ in ticks],
        signals={"Vehicle.Speed": [40.0] * len(ticks)},
    )


def score_of(car: int) -> float:
    return float(0.6 + 0.4 * DRAWS.uniform("score", car))


def _jpeg(car: int, tick: int, zoom: int) -> bytes:
    """A grey road under a dusky sky, with an orange light that comes nearer."""
    y, x = np.mgrid[0:64, 0:96]
    picture = np.where((y < 29)[..., None], (90, 110, 150), (70, 70, 75))
    edge = np.abs(x - 48) < (y - 29) * 1.4
    picture = np.where((edge & (y > 29))[..., None], (105, 105, 108), picture)
    size = zoom * (2 + tick / 20)
    lamp = (x - 60 - car % 9) ** 2 + (y - 24) ** 2 < size**2
    picture = np.where(lamp[..., None], (255, 150, 20), picture)
    return simplejpeg.encode_jpeg(picture.astype(np.uint8), 90, "RGB", "420")


def _tables() -> dict[str, dict[str, Any]]:
    barriers = np.repeat(START_US + STEP_US * np.arange(1, BARRIERS + 1), CARS)
    car = np.tile(CAR, BARRIERS)
    return {
        "fires": _fires(),
        "uploads": _uploads(),
        "reasons": _reasons(car, barriers),
        "signals": _signals(),
        "vehicles": _vehicles(car, barriers),
        "shadow": _shadow(car, barriers),
        "truth": _truth(car, barriers),
    }


def _fires() -> dict[str, Any]:
    car, t_us, trigger = (list(column) for column in zip(*FIRES, strict=True))
    return {
        "car": car,
        "t_us": t_us,
        "tick": [t // 100_000 for t in t_us],
        "trigger": trigger,
        "version": [1] * len(car),
        "score": [score_of(one) for one in car],
        "clip": [clip_id(*fire) for fire in FIRES],
    }


def _uploads() -> dict[str, Any]:
    car, t_us, trigger = (list(column) for column in zip(*FIRES, strict=True))
    waits = [int(2e6 * 40 ** DRAWS.uniform("wait", one)) for one in car]
    status = ["evicted" if one % 13 == 0 else "waiting" if one % 7 == 0 else "delivered" for one in car]
    done = [
        t + 4_000_000 + wait if how == "delivered" else None for t, wait, how in zip(t_us, waits, status, strict=True)
    ]
    return {
        "car": car,
        "t_us": [t + 4_000_000 for t in t_us],
        "clip": [clip_id(*fire) for fire in FIRES],
        "trigger": trigger,
        "partition": ["clips"] * len(car),
        "bytes": [40_000 + 100 * one for one in car],
        "sent_bytes": [40_000 + 100 * one if how == "delivered" else 0 for one, how in zip(car, status, strict=True)],
        "started_us": [t + 4_100_000 for t in t_us],
        "finished_us": done,
        "interruptions": [one % 3 for one in car],
        "link": ["cellular"] * len(car),
        "status": status,
    }


def _reasons(car: np.ndarray, barriers: np.ndarray) -> dict[str, Any]:
    names = {"BELOW": 9, "GATED": 40, "COOLDOWN": 2, "UNDEFINED": 1, "FIRED": 1}
    each = [
        (trigger, reason, count) for trigger in ("caution_light", "stop_sign_unsure") for reason, count in names.items()
    ]
    rows = {
        "car": np.tile(car, len(each)),
        "t_us": np.tile(barriers, len(each)),
        "trigger": np.repeat([one[0] for one in each], len(car)),
        "reason": np.repeat([one[1] for one in each], len(car)),
        "count": np.repeat([one[2] for one in each], len(car)),
    }
    fired = {(one, trigger) for one, _, trigger in FIRES}
    there = [
        reason != "FIRED" or (one, trigger) in fired
        for one, trigger, reason in zip(rows["car"].tolist(), rows["trigger"], rows["reason"], strict=True)
    ]
    return {name: values[there].tolist() for name, values in rows.items()}


def _signals() -> dict[str, Any]:
    from telemetry import TABLES

    times = np.repeat(START_US + 5_000_000 * np.arange(12), CARS)
    car = np.tile(CAR, 12)
    along = (times - START_US) / 60e6 * 0.01 + DRAWS.uniform("along", car) * 0.1
    turn = np.round(DRAWS.uniform("street", car) * 5) * np.pi / 3
    known = {
        "Vehicle.CurrentLocation.Latitude": 47.37 + along * np.sin(turn),
        "Vehicle.CurrentLocation.Longitude": 8.54 + along * np.cos(turn) * 1.4,
        "Vehicle.Speed": 30 + 20 * DRAWS.uniform("speed", car),
        "Vehicle.IsMoving": np.ones(len(car), bool),
        "Vehicle.ADAS.ActiveAutonomyLevel": np.full(len(car), "SAE_0"),
    }
    paths = [name for name in TABLES["signals"].columns if name.startswith("Vehicle.")]
    return {"car": car, "t_us": times} | {path: known.get(path, np.zeros(len(car))) for path in paths}


def _vehicles(car: np.ndarray, barriers: np.ndarray) -> dict[str, Any]:
    step = (barriers - START_US) // STEP_US
    return {
        "car": car,
        "t_us": barriers,
        "loadout": ["default"] * len(car),
        "driving": np.ones(len(car), bool),
        "link": [["cellular", "wifi", "none"][(one + when) % 7 // 3] for one, when in zip(car, step, strict=True)],
        "waiting_clips": np.where(car % 5 < step, 1, 0),
        "waiting_bytes": np.where(car % 5 < step, 41_000 + step * 997, 0),
        "uploaded_bytes": step * 10_000,
    }


def _shadow(car: np.ndarray, barriers: np.ndarray) -> dict[str, Any]:
    tasks = ("lead", "lane", "stop_sign", "weather")
    base = np.repeat([0.12, 0.05, 0.02, 0.2], len(car)) * (1 + 2 * np.tile(SEVERITIES["night"][car], 4))
    return {
        "car": np.tile(car, 4),
        "t_us": np.tile(barriers, 4),
        "candidate": ["hydranet-v2-cand"] * 4 * len(car),
        "task": np.repeat(tasks, len(car)).tolist(),
        "ticks": np.full(4 * len(car), 10),
        "mean": base,
        "max": base * 3,
    }


def _truth(car: np.ndarray, barriers: np.ndarray) -> dict[str, Any]:
    """Conditions everywhere; a caution light at two of three of that trigger's fires, a stop sign at every other."""
    met = [(one, t_us, name.removesuffix("_unsure")) for one, t_us, name in FIRES if one % 5 != 0]
    seen = [one[0] for one in met]
    pad = [0.0] * len(car)
    return {
        "car": [*car, *seen],
        "t_us": [*barriers, *(one[1] for one in met)],
        "kind": ["conditions"] * len(car) + [one[2] for one in met],
        "encounter": [0] * len(car) + [one + 1 for one in seen],
        "distance_m": pad + [20.0] * len(met),
        "visible": pad + [0.8] * len(met),
        "state": pad + [1.0] * len(met),
        "tilt_deg": pad + [0.0] * len(met),
        "traits": [""] * len(car) + ["flashing"] * len(met),
        "road": ["urban"] * (len(car) + len(met)),
        **{name: np.concatenate([values[car], values[seen]]) for name, values in SEVERITIES.items()},
    }
