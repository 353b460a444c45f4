"""Signed, versioned, expiring bundles of triggers, after The Update Framework: packing them, and a car's refusals."""

from triggers.packages.errors import BadKeys, CannotPack, PackageError, PackageRefused
from triggers.packages.keys import ROLES, Keys, make_keys, read_keys, replace_keys
from triggers.packages.pack import pack
from triggers.packages.verify import Package, Trust, verify

SUFFIX = ".pack"

__all__ = [
    "ROLES",
    "SUFFIX",
    "BadKeys",
    "CannotPack",
    "Keys",
    "Package",
    "PackageError",
    "PackageRefused",
    "Trust",
    "make_keys",
    "pack",
    "read_keys",
    "replace_keys",
    "verify",
]
