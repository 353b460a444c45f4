"""Viewers: what turns the features of all cameras into one map, seen from above.

A car that is to drive needs one map and not eight pictures. A viewer makes it in two steps, so that its state is
bounded: `look` says what one moment shows by itself, and `fuse` puts it together with the last few looks, moved to
where the car now stands. What a car remembers is nothing but those looks: a pure function of (car, tick).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scenarios import Rig
from vehicle.errors import ForeignBackbone, ForeignRig, UnknownViewer
from vehicle.networks.bev_viewer import Bev
from vehicle.networks.folder import find_viewer, read_card
from vehicle.networks.occupancy import OccupancyTracker
from vehicle.privacy import HOME_TICKS

LONGEST = HOME_TICKS  # nothing near home is remembered, so what is this young is of the same trip

Features = Mapping[str, NDArray[np.float32]]
"""Maps of a backbone's trunk by name, (CHUNK * cameras, channels, rows, columns) each, a car's cameras side by side."""


class Viewer(Protocol):
    """Features to a top-down map. Always called with CHUNK cars, the last ones blank where there are fewer.

    Each car must come out the same in any company.
    """

    @property
    def name(self) -> str:
        """As on its card, in plans, topics and columns."""

    @property
    def backbone(self) -> str:
        """The sha256, hex, of the backbone whose features it reads."""

    @property
    def card(self) -> Mapping[str, Any]:
        """All of card.json; `thresholds`: class to the probability from which it counts."""

    @property
    def looks(self) -> int:
        """How many earlier looks it wants; 0 for none."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what one look of a car leaves behind."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the same."""

    def look(self, features: Features) -> NDArray[Any]:
        """What a moment shows by itself, in the car's frame: (CHUNK, *shape) of `dtype`."""

    def fuse(
        self, now: NDArray[Any], earlier: NDArray[Any], moved: NDArray[np.float64], present: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """The map: (CHUNK, classes, rows, columns) probabilities, as `scenarios.GRID` lies.

        now: (CHUNK, *shape)
        earlier: (CHUNK, looks, *shape), newest first
        moved: (CHUNK, looks, 3) where the car's frame of then lies in that of now: x_m, y_m, turn_rad
        present: (CHUNK, looks), whether there was such a look; where not, `earlier` and `moved` are zeros
        """


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """How a car sees from above.

    viewers: first the one that it drives by, then those that only watch
    every_ticks: camera ticks from one look to the next
    """

    viewers: tuple[Viewer, ...] = ()
    every_ticks: int = 10

    @property
    def span_ticks(self) -> int:
        """How far back the earliest look lies that any viewer wants; never more than LONGEST."""
        deepest = max((viewer.looks for viewer in self.viewers), default=0)
        return self.every_ticks * min(deepest, LONGEST // self.every_ticks)

    def looks_before(self, ticks: NDArray[np.int64]) -> NDArray[np.int64]:
        """When earlier looks were: (n,) to (n, k) ticks, newest first; negative where there was no time yet."""
        before = np.arange(self.every_ticks, self.span_ticks + 1, self.every_ticks)
        return ticks[:, None] - before


NO_SIGHT = Sight()


def load_viewer(name_or_path: str | Path, rig: Rig, backbone: str | None = None) -> Viewer:
    """A shipped viewer by name, or one from a folder, for cars with this rig.

    backbone: the sha256 of the one that it will look through, where that is known
    UnknownViewer, ForeignRig, ForeignBackbone, MissingWeights, OldNetwork, TamperedWeights.
    """
    folder = find_viewer(name_or_path)
    card = read_card(folder)
    if card.get("viewer") not in VIEWER_KINDS:
        raise UnknownViewer(str(card.get("viewer")), VIEWER_KINDS, f"kind of viewer in {folder / 'card.json'}")
    found = {"cameras": len(rig.cameras), "height": rig.height, "width": rig.width}
    if any(found[name] != value for name, value in card["input"].items()):
        raise ForeignRig(card["name"], needs=card["input"], found=found)
    viewer = VIEWER_KINDS[card["viewer"]](folder, rig)
    must_fit(viewer, backbone or viewer.backbone)
    return viewer


def must_fit(viewer: Viewer, backbone: str) -> None:
    """Raises ForeignBackbone where a viewer reads the features of another backbone than this."""
    if viewer.backbone != backbone:
        raise ForeignBackbone(f"viewer {viewer.name!r}", needs=viewer.backbone, found=backbone)


VIEWER_KINDS: dict[str, Callable[[Path, Rig], Viewer]] = {"bev": Bev.load, "occupancy": OccupancyTracker.load}
"""What a card's `viewer` says, and what loads such a folder for a rig."""
