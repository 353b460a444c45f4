"""What to keep: rules over a table of signals, and the reason for every yes and no."""

from triggers import estimate, fleetwise, packages
from triggers.clauses import Clause
from triggers.errors import TriggerError
from triggers.evaluate import Evaluator, Verdicts
from triggers.explain import Explanation
from triggers.gating import Reason
from triggers.kinds import KINDS, Trigger
from triggers.memory import Memory
from triggers.spec import TriggerSpec, load_spec
from triggers.table import SignalTable
from triggers.train import fit_probe

__all__ = [
    "KINDS",
    "Clause",
    "Evaluator",
    "Explanation",
    "Memory",
    "Reason",
    "SignalTable",
    "Trigger",
    "TriggerError",
    "TriggerSpec",
    "Verdicts",
    "estimate",
    "fit_probe",
    "fleetwise",
    "load_spec",
    "packages",
]
