"""From specs to a signed package."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata, MetaFile, Snapshot, TargetFile, Targets, Timestamp

from triggers.packages.archive import write_archive
from triggers.packages.contents import gather, spec_file
from triggers.packages.errors import CannotPack, PackageRefused
from triggers.packages.keys import Keys, last_moment
from triggers.packages.verify import Trust, verify

HASH = ["sha256"]
MAX_VERSION = 2**31 - 1


def pack(specs: Sequence[str | Path], keys: Keys, *, version: int, expires: dt.date) -> bytes:
    """A package of these specs (shipped names or files) with their weights; the same bytes for the same of everything.

    version: counts up with every package that the sender's cars are to take; expires: the last day on which they do.
    Raises CannotPack, OversizedPackage, and TriggerError of every sort where a spec or its weights do not hold.
    """
    if not specs or not 1 <= version <= MAX_VERSION:
        raise CannotPack("package", f"needs at least one spec, and a version from 1 to {MAX_VERSION}")
    files: dict[str, bytes] = {}
    backbones: dict[str, str] = {}
    for each in specs:
        spec, backbone, own = gather(each)
        if spec_file(spec.name) in files:
            raise CannotPack(str(each), f"there are two triggers called '{spec.name}'")
        files |= own
        backbones |= {backbone: spec.name} if backbone else {}
    if len(backbones) > 1:
        raise CannotPack("package", f"{' and '.join(backbones.values())} are fitted to different backbones")
    package = seal(files, next(iter(backbones), ""), keys, version=version, expires=expires)
    _try(package, keys, last_moment(expires))
    return package


def seal(files: Mapping[str, bytes], backbone: str, keys: Keys, *, version: int, expires: dt.date) -> bytes:
    """A package of these files (`trigger/file` → content), signed without a look at what they say."""
    until = last_moment(expires)
    targets = Targets(version=version, expires=until, targets=_targets(files, backbone))
    signed: dict[str, bytes] = {"targets": _sign(Metadata(targets), "targets", keys)}
    snapshot = Snapshot(version=version, expires=until, meta={"targets.json": _meta(version, signed["targets"])})
    signed["snapshot"] = _sign(Metadata(snapshot), "snapshot", keys)
    timestamp = Timestamp(version=version, expires=until, snapshot_meta=_meta(version, signed["snapshot"]))
    signed["timestamp"] = _sign(Metadata(timestamp), "timestamp", keys)
    metadata = {f"metadata/{role}.json": raw for role, raw in signed.items()}
    roots = {f"metadata/{i + 1}.root.json": raw for i, raw in enumerate(keys.roots)}
    return write_archive(roots | metadata | {f"targets/{name}": raw for name, raw in files.items()})


def _targets(files: Mapping[str, bytes], backbone: str) -> dict[str, TargetFile]:
    targets = {name: TargetFile.from_data(name, raw, HASH) for name, raw in files.items()}
    if backbone:
        for target in targets.values():
            target.unrecognized_fields["custom"] = {"backbone": backbone}
    return targets


def _sign(metadata: Metadata[Any], role: str, keys: Keys) -> bytes:
    metadata.sign(keys.signers[role])
    return metadata.to_bytes()


def _meta(version: int, raw: bytes) -> MetaFile:
    return MetaFile.from_data(version, raw, HASH)


def _try(package: bytes, keys: Keys, until: dt.datetime) -> None:
    """Be the first car that is offered the package."""
    try:
        verify(package, Trust(keys.roots[0]), now=until - dt.timedelta(seconds=1), backbone=None)
    except PackageRefused as refused:
        raise CannotPack("package", f"no car would take it: {refused}") from None
