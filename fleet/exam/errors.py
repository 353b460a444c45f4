"""What can be wrong with how an exam is asked for.

FleetError
└── ExamError                  (fleet.errors, with what else goes wrong in one)
    ├── BadQuota               correct the quota
    └── NothingToCompare       give --versus, or drop the requirement
"""

from fleet.errors import ExamError


class BadQuota(ExamError):
    """A share of the wanted fires that no part of the world can give."""

    def __init__(self, text: str, problem: str) -> None:
        super().__init__(f"quota {text!r}: {problem}")


class NothingToCompare(ExamError):
    """A change is required, and there is no other version."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} compares with another version: give one by --versus")
