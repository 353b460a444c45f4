"""Two versions of a trigger on a user's own encounters: that these are the same, and how the versions differ there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.errors import BadScores
from fleet.exam.changes import Versus
from fleet.exam.own_data import Own
from triggers import estimate


@dataclass(frozen=True, slots=True, eq=False)
class Other:
    """Another version and how it met the encounters; version: its number, None where it has none."""

    trigger: str
    version: int | None
    own: Own


def versus(mine: Own, other: Other) -> Versus:
    """The figures of mine less those of the other, on the same encounters row by row."""
    present, candidate, cluster = other.own.sample, mine.sample, mine.cluster
    return Versus(
        other.trigger, other.version, estimate.compare(present, candidate, cluster=cluster), _mb(mine, other.own)
    )


def _mb(mine: Own, other: Own) -> estimate.Interval:
    """A car-day, before cooldown and limits; NaN where nobody says what clips weigh or how often such are met."""
    if not (mine.rates and np.isfinite(mine.mb) and np.isfinite(other.mb)):
        return estimate.Interval(float("nan"), float("-inf"), float("inf"))
    here, there = (each.mb * each.sample.total(each.sample.right + each.sample.wrong)[0] for each in (mine, other))
    return estimate.rates_apart(other.sample, mine.sample, (other.mb, mine.mb), here - there, cluster=mine.cluster)


def matched(mine: Own, other: Own, file: Path, other_file: Path) -> Own:
    """The other's encounters in the order of mine.

    What mine say of an encounter holds; what the other's say besides whether it fired must be the same.
    Raises BadScores where one file has encounters that the other has not, or the two contradict each other.
    """
    here, there = ([str(name) for name in each.names.tolist()] for each in (mine, other))
    place = {name: i for i, name in enumerate(there)}
    if problem := _missing(here, there, file):
        raise BadScores(other_file, problem)
    order = np.array([place[name] for name in here])
    sample, cluster = other.sample.part(order), None if other.cluster is None else other.cluster[order]
    aligned = replace(other, names=mine.names, sample=sample, score=other.score[order], cluster=cluster)
    for what, apart, values in _contradictions(mine, aligned):
        if apart.any():
            row = int(np.flatnonzero(apart)[0])
            says = f" ({values[1][row]}, and there {values[0][row]})" if values else ""
            count = f"{int(apart.sum()):,} of {len(here):,} encounters"
            raise BadScores(other_file, f"{what} is not as in {file} at {count}, such as {here[row]}{says}")
    same = estimate.Sample(mine.sample.stratum, mine.sample.weight, mine.sample.event, sample.right, sample.wrong)
    return replace(aligned, sample=same, cluster=mine.cluster, rates=mine.rates)


def _missing(here: Sequence[str], there: Sequence[str], file: Path) -> str:
    """What is wrong where the two are not of the same encounters."""
    lacking, beyond = sorted(set(here) - set(there)), sorted(set(there) - set(here))
    says = [
        f"{len(names):,} of {file}'s {len(here):,} are not in it, such as {names[0]}" if names is lacking
        else f"{len(names):,} of its {len(there):,} are not in {file}, such as {names[0]}"
        for names in (lacking, beyond) if names
    ]  # fmt: skip
    return f"two versions are compared on the same encounters: {'; '.join(says)}" if says else ""


def _contradictions(mine: Own, other: Own) -> list[tuple[str, NDArray[np.bool_], tuple[NDArray[Any], ...]]]:
    """Column, encounters (n,) of which the two say different things, and what; of what the other lacks, none."""
    event, weight = [[getattr(each.sample, name) for each in (mine, other)] for name in ("event", "weight")]
    found: list[tuple[str, NDArray[np.bool_], tuple[NDArray[Any], ...]]] = [
        ("label", event[0] != event[1], tuple(np.where(each, "yes", "no") for each in event))
    ]
    if other.rates:
        found.append(("weight", ~np.isclose(weight[0], weight[1], rtol=1e-6, atol=0.0), tuple(weight)))
    if len(np.unique(other.sample.stratum)) > 1:
        found.append(("stratum", _grouped(mine.sample.stratum) != _grouped(other.sample.stratum), ()))
    if other.cluster is not None:
        alone = np.zeros(len(mine.sample), np.int64) if mine.cluster is None else mine.cluster
        found.append(("car or drive", _grouped(alone) != _grouped(other.cluster), ()))
    return found


def _grouped(values: NDArray[Any]) -> NDArray[np.intp]:
    """Each value as the first row that has it, so that equal groups are equal however they are called."""
    _, first, row = np.unique(values, return_index=True, return_inverse=True)
    return np.asarray(first[row], np.intp)
