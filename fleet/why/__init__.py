"""Why a car's trigger fired or was silent, from the run itself: nothing is guessed, the car is driven again."""

from fleet.why.answer import Answer, Moment, moment_of, summary_of
from fleet.why.retrace import Rerun

__all__ = ["Answer", "Moment", "Rerun", "moment_of", "summary_of"]
