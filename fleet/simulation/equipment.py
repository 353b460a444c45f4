"""What a run needs besides its plan: the world, the networks, the triggers and the uplink, opened once a process."""

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fleet.plan import SECOND_US, RunPlan
from fleet.simulation.barrier import Ledger
from fleet.simulation.breaker import Breaker
from fleet.simulation.taking import Events, take
from scenarios import TICK_US, World, open_world
from telemetry import Links, open_uplink
from triggers import Memory, TriggerSpec
from vehicle import Fence, Loadout, Network, Privacy, Sight, Viewer, load_network, load_viewer

LOADOUT = "main"


@dataclass(frozen=True, slots=True, eq=False)
class Equipment:
    """The parts of a run that each process opens once.

    loadout: the plan's software, with triggers that remember in the given memory
    weights: network or viewer → sha256 of its backbone
    files:   sha256 over every file of networks, viewers and triggers
    offers:  what became of each package that the cars were offered
    events:  the same as (action, reason)
    """

    world: World
    specs: tuple[TriggerSpec, ...]
    loadout: Callable[[Memory], Loadout]
    weights: Mapping[str, str]
    files: str
    uplink: Callable[[Links, int, int], NDArray[np.float64]]
    offers: tuple[Mapping[str, Any], ...] = ()
    events: Events = ()

    @property
    def quotas(self) -> dict[str, int]:
        """Trigger → clips the fleet may keep, for those that have such a limit."""
        return {spec.name: spec.limits.fleet_total for spec in self.specs if spec.limits.fleet_total is not None}

    @property
    def watched(self) -> list[TriggerSpec]:
        """Triggers that the circuit breaker has a forecast for."""
        return [spec for spec in self.specs if spec.forecast is not None]

    def ledger(self, plan: RunPlan) -> Ledger:
        """What the coordinator begins a run with."""
        breaker = Breaker(self.watched, plan.perceive_every_s, plan.false_suspensions)
        return Ledger(self.quotas, breaker=breaker, events=self.events)

    def identity(self) -> dict[str, Any]:
        """What must be equal for two runs of one plan to come out equal, as the manifest has it."""
        return {
            "versions": {"python": platform.python_version()}
            | {name: importlib.metadata.version(name) for name in ("outrider-fleet", "numpy", "torch", "onnxruntime")},
            "weights": dict(self.weights),
            "triggers": {spec.name: spec.version for spec in self.specs},
            "packages": [dict(offer) for offer in self.offers],
            "files": self.files,
            "world_fingerprint": self.world.fingerprint,
        }


def equip(plan: RunPlan, device: str, unpacked: Path | None = None) -> Equipment:
    """Open everything; one torch thread, for shards are what uses several cores.

    unpacked: where the files of trigger packages go.
    """
    torch.set_num_threads(1)
    networks = [load_network(name) for name in (plan.loadout.production, *plan.loadout.shadows)]
    fences = tuple(Fence(**fence.model_dump()) for fence in plan.privacy.fences)
    privacy = Privacy(plan.seed, plan.privacy.opted_out, fences)
    taken = take(plan, networks[0].backbone, unpacked)
    world = open_world(plan.world.name, seed=plan.seed, cars=plan.cars, device=device, **plan.world.options)
    for network in networks:
        network.must_fit(world.rig)
    viewers = [load_viewer(name, world.rig, networks[0].backbone) for name in plan.loadout.viewers]
    sight = Sight(tuple(viewers), round(plan.perceive_every_s * SECOND_US / TICK_US))
    learnt: list[Network | Viewer] = [*networks, *viewers]
    for spec in taken.specs:
        spec.must_film(world.rig.names)
        spec.must_lie_in(plan.outbox.names)
    return Equipment(
        world=world,
        specs=taken.specs,
        loadout=lambda memory: replace(
            Loadout.equip(LOADOUT, networks[0], networks[1:], taken.ready(), memory, sight=sight, today=plan.date),
            privacy=privacy,
        ),
        weights={each.name: each.backbone for each in learnt},
        files=_hash([[each.card["files"] for each in learnt], [with_files(spec) for spec in taken.specs]]),
        uplink=open_uplink(plan.uplink.model_dump(), plan.seed),
        offers=taken.offers,
        events=taken.events,
    )


def belongs_to(plan: RunPlan, identity: dict[str, Any], run: str, device: str) -> str:
    """A hash that a checkpoint carries: the same plan, build, run and device can go on from it, no other."""
    return _hash([plan.model_dump(mode="json"), identity, run, device])


def pick_device(asked: str) -> str:
    """`auto` is a GPU where there is one."""
    if asked != "auto":
        return asked
    return "cuda" if torch.cuda.is_available() else "cpu"


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def with_files(spec: TriggerSpec) -> list[Any]:
    """A spec and the hashes of the files that its parameters name, such as a probe's weights."""
    named = [spec.folder / value for value in spec.params.values() if isinstance(value, str)]
    hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in named if file.is_file()]
    return [spec.model_dump(mode="json"), hashes]
