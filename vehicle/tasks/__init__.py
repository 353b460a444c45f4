"""What networks are asked to see."""

from vehicle.tasks.standard import TASKS
from vehicle.tasks.task import Task

__all__ = ["TASKS", "Task"]
