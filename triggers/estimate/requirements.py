"""What a trigger must be: `precision>=0.6, upload_mb_per_car_day<=4`, and whether intervals say that it is."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from triggers.errors import BadRequirement, hint
from triggers.estimate.intervals import Interval

NAMES = ("precision", "recall", "fires_per_car_day", "false_fires_per_car_day", "upload_mb_per_car_day")
SHARES = ("precision", "recall")
CHANGES = tuple(f"{name}_change" for name in NAMES)
"""The same figures, less those of another version on the same encounters."""
_PART = re.compile(
    r"\s*(?P<name>[A-Za-z_]\w*)\s*(?:\[(?P<slice>[^\]]*)\])?\s*(?P<sign>>=|<=)\s*(?P<bound>\S+)\s*", re.ASCII
)

Outcome = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One bound on one figure; where: of a slice, "" for everywhere; at_least: or at most."""

    name: str
    where: str
    at_least: bool
    bound: float

    @property
    def change(self) -> bool:
        """Whether it is about a figure less that of another version."""
        return self.name in CHANGES

    @property
    def figure(self) -> str:
        """The figure's name, whether it is about that or a change of it."""
        return self.name.removesuffix("_change")

    def __str__(self) -> str:
        return f"{self.name}{f'[{self.where}]' if self.where else ''}{'>=' if self.at_least else '<='}{self.bound:g}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an interval says of a requirement; why: in words, with what it would take where it is inconclusive."""

    requirement: Requirement
    outcome: Outcome
    interval: Interval
    why: str


def parse_requirements(text: str, slices: Sequence[str] = ()) -> list[Requirement]:
    """`precision>=0.6, recall[night]>=0.3` as requirements. Raises BadRequirement."""
    found, at = [], 0
    for part in text.split(","):
        found.append(_parsed(text, at, part, slices))
        at += len(part) + 1
    return found


def judge(required: Requirement, interval: Interval, *, believed: bool = True, doubt: str = "") -> Verdict:
    """Pass if all of the interval meets the bound, fail if none of it does; inconclusive else.

    believed: False where the sample is too thin to pass or fail by; doubt: why.
    """
    low, high, bound = interval.low, interval.high, required.bound
    good, bad = (low >= bound, high < bound) if required.at_least else (high <= bound, low > bound)
    span = f"{_short(low)} to {_short(high)}"
    if math.isnan(interval.estimate) or not believed:
        return Verdict(required, "inconclusive", interval, doubt or "nothing was seen that could tell")
    if good or bad:
        return Verdict(required, "pass" if good else "fail", interval, f"{span} lies {_side(required, good)}")
    return Verdict(
        required, "inconclusive", interval, f"{span} holds {_short(bound)}; {_what_it_takes(required, interval)}"
    )


def _side(required: Requirement, good: bool) -> str:
    return f"{'above' if required.at_least == good else 'below'} {_short(required.bound)}"


def _what_it_takes(required: Requirement, interval: Interval) -> str:
    """How many times as many encounters would tell, if the estimate is about right."""
    apart = abs(interval.estimate - required.bound)
    facing = (
        interval.high - interval.estimate if interval.estimate < required.bound else interval.estimate - interval.low
    )
    if apart < 0.02 * max(interval.half_width, 1e-12):
        return "the estimate lies on the bound: no sample tells"
    factor = max((facing / apart) ** 2, 1.0)
    met = (interval.estimate >= required.bound) == required.at_least
    return f"{factor:.1f} times as many encounters would tell, and it would probably {'pass' if met else 'fail'}"


def _short(value: float) -> str:
    return f"{value:.3g}"


def _parsed(text: str, at: int, part: str, slices: Sequence[str]) -> Requirement:
    match = _PART.fullmatch(part)
    if match is None:
        raise BadRequirement(text, at, "expected `NAME>=NUMBER` or `NAME<=NUMBER`, a comma between")
    name, where = match["name"], (match["slice"] or "").strip()
    if name not in (*NAMES, *CHANGES):
        raise BadRequirement(text, at + match.start("name"), f"unknown figure '{name}'{hint(name, (*NAMES, *CHANGES))}")
    if where and where not in slices:
        raise BadRequirement(text, at + match.start("slice"), f"unknown slice '{where}'{hint(where, slices)}")
    if where and name not in SHARES:
        raise BadRequirement(text, at + match.start("slice"), f"a slice has {' and '.join(SHARES)}, and no {name}")
    try:
        bound = float(match["bound"])
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound) or (name in NAMES and bound < 0) or (name in SHARES and bound > 1):
        wanted = "a share from 0 to 1" if name in SHARES else "a number" + ("" if name in CHANGES else " of at least 0")
        raise BadRequirement(text, at + match.start("bound"), f"expected {wanted}, and this is {match['bound']!r}")
    return Requirement(name, where, match["sign"] == ">=", bound)


def verdict_of(verdicts: Sequence[Verdict]) -> Outcome:
    """Fail if any fails, else inconclusive if any is, else pass."""
    outcomes = {each.outcome for each in verdicts}
    return "fail" if "fail" in outcomes else "inconclusive" if "inconclusive" in outcomes else "pass"


def told(verdicts: Sequence[Verdict]) -> list[Mapping[str, object]]:
    """For JSON."""
    return [
        {"requirement": str(each.requirement), "verdict": each.outcome, "why": each.why, **each.interval.told()}
        for each in verdicts
    ]
