"""One car, run for a cohort at a time: perceive, shadow, trigger, record."""

from vehicle.develop import develop
from vehicle.errors import VehicleError
from vehicle.hold import Parcel
from vehicle.loadout import Loadout
from vehicle.lookback import maps_of
from vehicle.networks import (
    NETWORKS,
    BevNet,
    Geometry,
    HydraNet,
    Network,
    PixelHead,
    load_network,
    occupancy,
    save_bev,
)
from vehicle.onboard import Onboard
from vehicle.outbox import Outbox
from vehicle.partitions import Partition
from vehicle.privacy import Fence, Privacy
from vehicle.recorder import Cut
from vehicle.tasks import TASKS, Task, load_task, task_schema
from vehicle.top_down import VIEWER_KINDS, Sight, Viewer, load_viewer

__all__ = [
    "NETWORKS",
    "TASKS",
    "VIEWER_KINDS",
    "BevNet",
    "Cut",
    "Fence",
    "Geometry",
    "HydraNet",
    "Loadout",
    "Network",
    "Onboard",
    "Outbox",
    "Parcel",
    "Partition",
    "PixelHead",
    "Privacy",
    "Sight",
    "Task",
    "VehicleError",
    "Viewer",
    "develop",
    "load_network",
    "load_task",
    "load_viewer",
    "maps_of",
    "occupancy",
    "save_bev",
    "task_schema",
]
