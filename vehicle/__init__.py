"""One car, run for a cohort at a time: perceive, shadow, trigger, record."""

from vehicle.develop import develop
from vehicle.errors import VehicleError
from vehicle.loadout import Loadout
from vehicle.networks import NETWORKS, HydraNet, Network, load_network
from vehicle.onboard import Onboard
from vehicle.outbox import Outbox
from vehicle.recorder import Cut
from vehicle.tasks import TASKS, Task, load_task, task_schema

__all__ = [
    "NETWORKS",
    "TASKS",
    "Cut",
    "HydraNet",
    "Loadout",
    "Network",
    "Onboard",
    "Outbox",
    "Task",
    "VehicleError",
    "develop",
    "load_network",
    "load_task",
    "task_schema",
]
