"""A task about one thing of each moment: whether it is there, and what else holds of it."""

from collections.abc import Callable, Mapping

import numpy as np
from torch import Tensor

from scenarios import Truth
from vehicle.tasks.answers import mask, tensor, widest_gap_where_present, yes_or_no
from vehicle.tasks.spec import TaskSpec
from vehicle.tasks.task import PRESENT, Task
from vehicle.tasks.things import NOBODY, Bools, Slots, ThingSubtask, judged


def about_one(
    spec: TaskSpec,
    subtasks: Mapping[str, ThingSubtask],
    subject: Callable[[Truth], Slots],
    absent: Callable[[Truth], Bools],
) -> Task:
    """`present`, labelled where a thing is named or surely is not there, and every subtask, labelled where one is.

    subject: truth to the thing's place, (n,), NOBODY where there is none; absent: truth to (n,) bool, where a labeller
    would be sure that there is none
    """
    asked = list(subtasks.values())

    def label(truth: Truth) -> Tensor:
        which = subject(truth)
        return tensor(np.column_stack([which != NOBODY, judged(asked, truth, which)[0]]))

    def labelable(truth: Truth) -> Tensor:
        which = subject(truth)
        return mask(np.column_stack([(which != NOBODY) | absent(truth), judged(asked, truth, which)[1]]))

    return Task(
        outputs=(PRESENT, *subtasks),
        label=label,
        loss=yes_or_no,
        disagree=widest_gap_where_present,
        labelable=labelable,
        subject=subject,
        spec=spec,
    )
