"""What networks are asked to see."""

from vehicle.tasks.families import FAMILIES
from vehicle.tasks.spec import TaskSpec
from vehicle.tasks.table import TASKS, load_task, task_schema, tasks_on_card
from vehicle.tasks.task import PRESENT, Task

__all__ = ["FAMILIES", "PRESENT", "TASKS", "Task", "TaskSpec", "load_task", "task_schema", "tasks_on_card"]
