"""What can go wrong with a package, named for what its sender can do about it.

TriggerError
└── PackageError
    ├── CannotPack            what was given does not make a package: correct it
    ├── BadKeys               no folder of keys, no trusted root, or damaged ones: correct the path, or make keys
    └── PackageRefused        a car does not take it; `reason` is the word for tables
        ├── MalformedPackage  not a package, or one with what no car can use: pack again
        ├── OversizedPackage  too large, or too many files: leave something out
        ├── UnknownKey        not signed by keys that the car trusts: sign with those, or give it the newer root
        ├── TamperedPackage   other content than was signed: fetch it again
        ├── ExpiredPackage    past its last day: pack again with a later one
        ├── OlderPackage      the car has taken a newer one: count up the version
        └── ForeignNetwork    fitted to another backbone: train its probes on this one
"""

from pathlib import Path

from triggers.errors import TriggerError


class PackageError(TriggerError):
    """Anything that is wrong with a package or its keys."""


class CannotPack(PackageError):
    """What was given does not make a package; what: the spec, file or option, problem: why not."""

    def __init__(self, what: str, problem: str) -> None:
        self.what, self.problem = what, problem
        super().__init__(f"{what}: {problem}")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.what, self.problem)


class BadKeys(PackageError):
    """Keys or a root that cannot be used; file: which, problem: why."""

    def __init__(self, file: Path | str, problem: str) -> None:
        self.file, self.problem = str(file), problem
        super().__init__(f"{file}: {problem}")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.file, self.problem)


class PackageRefused(PackageError):
    """A package that a car does not take; problem: what is wrong with it, with the values that decided."""

    reason = "refused"

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"{self.reason}: {problem}")

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.problem,)


class MalformedPackage(PackageRefused):
    """Not the bytes of a package, or content that no car can use."""

    reason = "malformed"


class OversizedPackage(PackageRefused):
    """Larger, or of more files, than a car takes."""

    reason = "oversized"


class UnknownKey(PackageRefused):
    """Not signed by enough of the keys that the car trusts."""

    reason = "unknown_key"


class TamperedPackage(PackageRefused):
    """A signature, hash or length that does not fit the content."""

    reason = "tampered"


class ExpiredPackage(PackageRefused):
    """Past the last day on which a car takes it."""

    reason = "expired"


class OlderPackage(PackageRefused):
    """Older than what the car has taken already."""

    reason = "older"


class ForeignNetwork(PackageRefused):
    """Made for another backbone than the car runs."""

    reason = "foreign_network"
