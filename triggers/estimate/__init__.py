"""How sure one may be: intervals for what a trigger does, from encounters that were sampled with known weights."""

from triggers.estimate.allocation import neyman
from triggers.estimate.budget import betting_p, hoeffding_bentkus_p, strictest_first
from triggers.estimate.clustered import FEW, clustered
from triggers.estimate.clusters import design_effect, gathered
from triggers.estimate.figures import WORTH, Figures, figures_of, foretold_by
from triggers.estimate.guard import Guard, best_power, frames_for_power, guard_of, judge_dry_run, power
from triggers.estimate.intervals import (
    LEVEL,
    Interval,
    clopper_pearson,
    fay_feuer,
    fay_kim,
    garwood,
    jeffreys,
    kish,
    ratio_of,
    sum_of,
    wilson,
)
from triggers.estimate.multiplicity import benjamini_hochberg, holm
from triggers.estimate.paired import Comparison, compare, rates_apart, smallest_difference
from triggers.estimate.requirements import (
    NAMES,
    SHARES,
    Outcome,
    Requirement,
    Verdict,
    judge,
    parse_requirements,
    told,
    verdict_of,
)
from triggers.estimate.sample import ENOUGH, Sample, effective_share, joined

__all__ = [
    "ENOUGH",
    "FEW",
    "LEVEL",
    "NAMES",
    "SHARES",
    "WORTH",
    "Comparison",
    "Figures",
    "Guard",
    "Interval",
    "Outcome",
    "Requirement",
    "Sample",
    "Verdict",
    "benjamini_hochberg",
    "best_power",
    "betting_p",
    "clopper_pearson",
    "clustered",
    "compare",
    "design_effect",
    "effective_share",
    "fay_feuer",
    "fay_kim",
    "figures_of",
    "foretold_by",
    "frames_for_power",
    "garwood",
    "gathered",
    "guard_of",
    "hoeffding_bentkus_p",
    "holm",
    "jeffreys",
    "joined",
    "judge",
    "judge_dry_run",
    "kish",
    "neyman",
    "parse_requirements",
    "power",
    "rates_apart",
    "ratio_of",
    "smallest_difference",
    "strictest_first",
    "sum_of",
    "told",
    "verdict_of",
    "wilson",
]
