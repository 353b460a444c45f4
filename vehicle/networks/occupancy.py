"""Occupancy tracker: the top-down map by hand-written geometry, as software 1.0 makes it.

Read from top to bottom. A small head says what each camera's pixels show (`pixel_head.py`); all the rest knows optics
and the sizes of things, and learns nothing:

1. *Inverse perspective mapping* (Mallot et al., Biological Cybernetics, 1991): a cell of the ground is seen where the
   rig projects it (`sights.py`).
2. *Things have height*: what a pixel shows of a vehicle is its side, not the ground behind it. So what counts is its
   foot line; from there it reaches back as far as vehicles do, and what it hides is unknown.
3. *Log-odds* (Moravec and Elfes, ICRA 1985; Thrun, Burgard and Fox, "Probabilistic Robotics", 2005, section 9.2): what
   the cameras say of a cell adds up.
4. *Ego motion*: the maps of the last looks are moved to where the car is now, and count less the older they are.

The numbers it goes by stand on its card, tuned on moments that its head learnt from.
n cars, c cameras, r x w answers an image, g cells, m cameras asked for a cell, k earlier looks.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from scenarios import CLASSES, GRID, Rig
from vehicle.networks.folder import read_card
from vehicle.networks.network import session_of
from vehicle.networks.pixel_head import HEAD
from vehicle.networks.sights import ANSWERS, COLUMNS, ROWS, Reach, Sights, first_row, rays_of, sights_of

__all__ = [
    "ANSWERS",
    "COLUMNS",
    "ROWS",
    "STEPS",
    "OccupancyTracker",
    "Reach",
    "Tuning",
    "added_up",
    "below_horizon",
    "evidence",
    "first_row",
    "rays_of",
    "remembered",
    "sights_of",
]

Floats = NDArray[np.float32]
GROUND = 3  # of the classes lie on the ground; the others stand on it
STEPS = 16  # of a remembered map in one of log-odds
_SUREST = (2e-4, 1 - 1e-3)  # of what stands in a cell, by one camera
_FLAT = 20.0  # logits beyond make no difference


@dataclass(frozen=True, slots=True)
class Tuning:
    """The numbers of the tracker; those of several classes in the order of CLASSES.

    prior: how likely a cell is to be of each class where nobody has looked
    reach: how large things are
    decay: what a look counts of the one after it
    slope, shift: from the sum of log-odds to a calibrated one (Platt, 1999)
    """

    prior: Floats
    reach: Reach
    decay: Floats
    slope: Floats
    shift: Floats

    @classmethod
    def from_card(cls, told: Mapping[str, Any]) -> Self:
        """As `on_card` told it."""
        sizes: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in told["reach"].items()}
        reach = Reach(**sizes)
        return cls(reach=reach, **{name: np.array(v, np.float32) for name, v in told.items() if name != "reach"})

    def on_card(self) -> dict[str, Any]:
        """As JSON has it."""
        numbers = {name: np.round(getattr(self, name), 6).tolist() for name in ("prior", "decay", "slope", "shift")}
        return {"reach": asdict(self.reach), **numbers}

    @property
    def prior_logit(self) -> Floats:
        """The prior as log-odds, (5,)."""
        logit: Floats = np.log(self.prior / (1 - self.prior))
        return logit


@dataclass(frozen=True, slots=True, eq=False)
class OccupancyTracker:
    """The viewer of software 1.0; see `vehicle.top_down.Viewer`.

    looks: how many earlier ones it adds up
    """

    name: str
    backbone: str
    card: Mapping[str, Any]
    looks: int
    tuning: Tuning
    sights: Sights
    first_row: int
    _rays: Floats
    _head: onnxruntime.InferenceSession

    shape = (GRID.rows * GRID.columns, len(CLASSES))
    dtype = np.dtype(np.int8)

    @classmethod
    def load(cls, folder: Path, rig: Rig) -> Self:
        """A tracker from its folder, for a rig; MissingWeights, TamperedWeights, ForeignBackbone."""
        card = read_card(folder)
        tuning = Tuning.from_card(card["tuning"])
        head = session_of(folder, HEAD, card)
        made = card["name"], card["backbone"], card, card["looks"]
        return cls(*made, tuning, sights_of(rig, tuning.reach), first_row(rig), rays_of(rig), head)

    def look(self, features: Mapping[str, Floats]) -> NDArray[np.int8]:
        """What one moment shows: log-odds of each cell against the prior, in steps of 1/16, (n, g, 5)."""
        logits = self.answers(features)
        found = np.stack([evidence(car, self.sights, self.tuning) for car in logits])
        return remembered(found)

    def answers(self, features: Mapping[str, Floats]) -> Floats:
        """The head's logits, (n, c, r, w, 6)."""
        fine, coarse = below_horizon(features, self.first_row)
        cameras = len(self._rays)
        rays = np.tile(self._rays, (len(fine) // cameras, 1, 1, 1))
        (logits,) = self._head.run(["logits"], {"fine": fine, "coarse": coarse, "rays": rays})
        return np.asarray(logits, np.float32).reshape(-1, cameras, *logits.shape[1:])

    def fuse(
        self, now: NDArray[np.int8], earlier: NDArray[np.int8], moved: NDArray[np.float64], present: NDArray[np.bool_]
    ) -> Floats:
        """The last looks put together: probabilities (n, 5, rows, columns)."""
        total = np.stack([
            added_up(now[i], earlier[i, present[i]], moved[i, present[i]], np.flatnonzero(present[i]) + 1, self.tuning)
            for i in range(len(now))
        ])  # fmt: skip
        return probabilities(total, self.tuning)


def below_horizon(features: Mapping[str, Floats], first: int) -> tuple[Floats, Floats]:
    """The fine and the coarse features of n * c images from a row of fine ones on, where the ground is."""
    fine, coarse = features["fine"][:, :, first:], features["x"][:, :, first // 2 :]
    return np.ascontiguousarray(fine), np.ascontiguousarray(coarse)


def evidence(logits: Floats, sights: Sights, tuning: Tuning) -> Floats:
    """What one car's answers (c, r, w, 6) say: log-odds of each cell against the prior, (g, 5)."""
    prior = tuning.prior_logit
    open_ground = 1 / (1 + np.exp(np.minimum(logits[..., 5:], _FLAT)))  # (c, r, w, 1) nothing hides it
    ground = (logits[..., :GROUND] - prior[:GROUND]) * open_ground
    shown = sights.middle.read(np.concatenate([ground, open_ground], axis=3).reshape(-1, GROUND + 1))  # (m, g, 4)
    standing = _standing(logits[..., GROUND:5], shown[..., GROUND], sights, tuning)  # (m, g, 2)
    said = np.concatenate([shown[..., :GROUND], standing - prior[GROUND:]], axis=2)
    every: Floats = np.where(sights.seen[..., None], said, 0).sum(axis=0)
    return every  # (g, 5)


def _standing(feet: Floats, open_ground: Floats, sights: Sights, tuning: Tuning) -> Floats:
    """Logits of foot lines (c, r, w, 2), and how openly cells lie (m, g): log-odds of things in them, (m, g, 2).

    That no foot line runs through a span of rows has the product of its rows' chances, so logarithms are summed once.
    """
    c, r, w, things = feet.shape
    edges = np.zeros((c, r + 1, w, things), np.float32)
    np.cumsum(np.log1p(np.exp(np.minimum(feet, _FLAT))), axis=1, out=edges[:, 1:])
    edges = edges.reshape(-1, things)
    found = []
    for i in range(things):
        span = sights.before[i].read(edges[:, i : i + 1]) - sights.beyond[i].read(edges[:, i : i + 1])
        stands = -np.expm1(-span[..., 0])
        hidden = (1 - stands) * (1 - open_ground) * tuning.prior[GROUND + i]  # as likely as anywhere
        chance = np.clip(stands + hidden, *_SUREST)
        found.append(np.log(chance / (1 - chance)))
    return np.stack(found, axis=2)


def remembered(found: Floats) -> NDArray[np.int8]:
    """Log-odds as a car keeps them, in steps of 1/16 and between -8 and 8."""
    return np.clip(np.rint(found * STEPS), -127, 127).astype(np.int8)


def added_up(
    now: NDArray[np.int8], earlier: NDArray[np.int8], moved: NDArray[np.float64], ages: NDArray[np.intp], tuning: Tuning
) -> Floats:
    """One car's look (g, 5) and k earlier ones (k, g, 5), where they belong now: log-odds (g, 5).

    moved: (k, 3) where the car's frame of then lies in that of now; ages: (k,) in looks
    """
    total = now.astype(np.float32)
    for past, pose, age in zip(earlier, moved, ages, strict=True):
        and_nowhere = np.concatenate([past, np.zeros_like(past[:1])])
        total += and_nowhere.take(cells_then(pose), axis=0) * tuning.decay**age
    return total / np.float32(STEPS)


def cells_then(pose: NDArray[np.float64]) -> NDArray[np.intp]:
    """Which cell of an earlier look each cell of now was, (g,); the number of cells for one that was off the grid.

    pose: x_m, y_m, turn_rad of the car's frame of then in that of now
    """
    x, y, turn = pose
    cos, sin = np.cos(turn), np.sin(turn)
    ahead = GRID.ahead_m - (np.arange(GRID.rows)[:, None] + 0.5) * GRID.cell_m - x  # of the car of then, as it lay
    left = GRID.left_m - (np.arange(GRID.columns) + 0.5) * GRID.cell_m - y
    row = np.floor((GRID.ahead_m - (cos * ahead + sin * left)) / GRID.cell_m)
    column = np.floor((GRID.left_m - (cos * left - sin * ahead)) / GRID.cell_m)
    known = (row >= 0) & (row < GRID.rows) & (column >= 0) & (column < GRID.columns)
    cell = np.where(known, row * GRID.columns + column, GRID.rows * GRID.columns)
    return cell.astype(np.intp).ravel()


def probabilities(total: Floats, tuning: Tuning) -> Floats:
    """Sums of log-odds (n, g, 5): calibrated probabilities (n, 5, rows, columns)."""
    logit = tuning.slope * (total + tuning.prior_logit) + tuning.shift
    chance = (1 / (1 + np.exp(-logit))).astype(np.float32).transpose(0, 2, 1)
    return np.ascontiguousarray(chance).reshape(len(total), -1, GRID.rows, GRID.columns)
