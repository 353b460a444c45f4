"""Pass, fail or inconclusive: how many of how many, with an interval that keeps what it promises."""

from dataclasses import dataclass
from enum import StrEnum

from scipy.special import betaincinv

from fleet.engine.suites.spec import Slice


class Verdict(StrEnum):
    """What a slice comes to."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Judged:
    """k yes answers of n cases, the share's interval, the verdict, and in words why there is no other."""

    n: int
    k: int
    low: float
    high: float
    verdict: Verdict
    why: str

    @property
    def figure(self) -> float | None:
        """The share of yes answers: recall, or false alarms; None without cases."""
        return self.k / self.n if self.n else None


def interval(k: int, n: int, confidence: float) -> tuple[float, float]:
    """The exact interval for a share, k of n independent cases (Clopper and Pearson, 1934); never too narrow."""
    tail = (1 - confidence) / 2
    low = float(betaincinv(k, n - k + 1, tail)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
    return low, high


def judge(asked: Slice, k: int, n: int) -> Judged:
    """A verdict on k yes answers of n cases: the whole interval must lie on one side, and the cases must be enough."""
    low, high = interval(k, n, asked.confidence or 0.95)
    if n < asked.cases:
        return Judged(n, k, low, high, Verdict.INCONCLUSIVE, f"{n} of {asked.cases} cases; it needs to grow")
    good = low >= asked.bound if asked.wants_yes else high <= asked.bound
    bad = high < asked.bound if asked.wants_yes else low > asked.bound
    if good or bad:
        side = "on the good side of" if good else "on the bad side of"
        return Judged(
            n, k, low, high, Verdict.PASS if good else Verdict.FAIL, f"the interval is {side} {asked.bound:g}"
        )
    why = f"the interval spans {asked.bound:g}; more cases would tell"
    return Judged(n, k, low, high, Verdict.INCONCLUSIVE, why)
