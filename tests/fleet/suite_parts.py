"""A tiny suite of two slices, whose outcome no network can change: at its threshold every answer is a yes."""

from pathlib import Path

import torch

from fleet.engine.suites.cases import Case
from fleet.engine.suites.growing import Order, grow
from fleet.engine.suites.spec import load_suite
from vehicle import TASKS, HydraNet

CASES = 6
TINY = """\
task: stop_sign
says: Small, for tests.
cameras: [main, narrow, wide]
threshold: 0.000001
confidence: 0.8
slices:
  - name: near
    must: recall >= 0.5
    cases: 6
    thing: stop_sign
    where: [not far]
    min_pixels: 20
    options: {encounters_per_km: {stop_sign: 8}}
  - name: no entry
    must: false_alarms <= 0.5
    cases: 6
    thing: no_entry
    min_pixels: 20
    options: {encounters_per_km: {no_entry: 8}}
"""


def write_suite(folder: Path, text: str = TINY, name: str = "tiny") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.yaml"
    file.write_text(text)
    return file


def grow_slice(file: Path, name: str, n: int = CASES, seed: int | None = None) -> list[Case]:
    return grow(load_suite(str(file)), Order(name, n, seed, "2026-01-01T00:00:00Z"), lambda _, __: None)


def grown_suite(folder: Path) -> Path:
    """The tiny suite with six cases a slice."""
    file = write_suite(folder)
    grow_slice(file, "near")
    grow_slice(file, "no entry")
    return file


def copied(file: Path, folder: Path) -> Path:
    """A copy of a suite and its cases, to be spoilt."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (file.name, f"{file.stem}.cases.jsonl"):
        (folder / name).write_bytes((file.parent / name).read_bytes())
    return folder / file.name


def blank_network(folder: Path) -> Path:
    """A network that has learnt nothing, as files that a car can load."""
    torch.manual_seed(1)
    HydraNet({"stop_sign": TASKS["stop_sign"]}).eval().save(folder, name="blank", version=1, told={})
    return folder
