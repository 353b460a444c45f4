"""What a car does with a package that it is offered: it takes it whole, or refuses it for one reason.

The checks on roles, signatures, versions and dates are those of The Update Framework's reference client, in its order
(specification 1.0.31, section 5): this module gives it the bytes and the time.
"""

import datetime as dt
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tuf.api.exceptions import (
    BadVersionNumberError,
    EqualVersionNumberError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.api.metadata import Metadata, Root, TargetFile, Targets

# The client's state machine without its downloads and files; only here is the time of its checks open to be set.
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType

from triggers.packages.archive import read_archive
from triggers.packages.contents import read_specs
from triggers.packages.errors import (
    BadKeys,
    ExpiredPackage,
    ForeignNetwork,
    MalformedPackage,
    OlderPackage,
    OversizedPackage,
    TamperedPackage,
    UnknownKey,
)
from triggers.packages.keys import read_root
from triggers.spec import TriggerSpec

MAX_METADATA_BYTES = 256 * 1024
NOWHERE = Path(os.devnull)  # below which there is no file
_ROLES = ("timestamp", "snapshot", "targets")


@dataclass(frozen=True, slots=True)
class Trust:
    """What a car remembers of a sender, as bytes: the newest root, and timestamp and snapshot of what it took last."""

    root: bytes
    timestamp: bytes = b""
    snapshot: bytes = b""

    @classmethod
    def read(cls, file: Path) -> "Trust":
        """That of a new car, built with this root. Raises BadKeys."""
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise BadKeys(file, f"cannot be read: {error.strerror}") from None
        read_root(raw, file)
        return cls(raw)


@dataclass(frozen=True, slots=True)
class Package:
    """A package that a car has taken.

    version, expires: of the whole; expires is the last day on which a car takes it
    backbone:         of the network that it is made for, "" where any will do
    files:            `trigger/file` → content
    specs:            its triggers, by name, not yet installed: what they name lies nowhere
    trust:            what the car remembers from now on
    """

    version: int
    expires: dt.date
    backbone: str
    files: Mapping[str, bytes] = field(repr=False)
    specs: tuple[TriggerSpec, ...]
    trust: Trust = field(repr=False)

    def install(self, folder: Path) -> tuple[TriggerSpec, ...]:
        """Write the files below this folder, unless they are there; the specs, ready to be used.

        Several processes may do so at once: a file is there whole or not at all.
        """
        for name, content in self.files.items():
            file = folder / name
            if not file.is_file() or file.read_bytes() != content:
                file.parent.mkdir(parents=True, exist_ok=True)
                beside = file.with_name(f"{file.name}.{os.getpid()}")
                beside.write_bytes(content)
                beside.replace(file)
        return read_specs(self.files, folder)


def verify(raw: bytes, trust: Trust, *, now: dt.datetime, backbone: str | None) -> Package:
    """The package in these bytes, if a car takes it.

    now: simulated or wall time, with its zone: the only place where time enters; backbone: sha256 of the car's network
    (None: whatever the package is made for). Raises PackageRefused of every sort, and BadKeys for a bad `trust.root`.
    """
    files = read_archive(raw)
    metadata = {name.removeprefix("metadata/"): _plain(name, raw) for name, raw in files.items() if _is_metadata(name)}
    for role in _ROLES:
        if f"{role}.json" not in metadata:
            raise MalformedPackage(f"it has no metadata/{role}.json")
    known, remembered = _walk(metadata, trust, now)
    targets = known.targets
    if targets.delegations is not None:
        raise MalformedPackage("its targets are delegated, which no car follows")
    content = {name.removeprefix("targets/"): raw for name, raw in files.items() if not _is_metadata(name)}
    _compare(content, targets)
    made_for = _backbone(targets)
    if backbone is not None and made_for not in ("", backbone):
        raise ForeignNetwork(f"made for the backbone {made_for[:12]}…, and the car runs {backbone[:12]}…")
    last_day = (targets.expires - dt.timedelta(days=1)).date()
    return Package(targets.version, last_day, made_for, content, read_specs(content, NOWHERE), remembered)


def _walk(metadata: Mapping[str, bytes], trust: Trust, now: dt.datetime) -> tuple[TrustedMetadataSet, Trust]:
    """Root, timestamp, snapshot, targets, each vouched for by those before it."""
    try:
        known = TrustedMetadataSet(trust.root, EnvelopeType.METADATA)
    except RepositoryError as error:
        raise BadKeys("root of trust", f"cannot be used: {error}") from None
    known.reference_time = now
    while (new := metadata.get(f"{known.root.version + 1}.root.json")) is not None:
        with _told("root", new, known.root):
            known.update_root(new)
        trust = replace(trust, root=new)
    timestamp, snapshot, targets = (metadata[f"{role}.json"] for role in _ROLES)
    if trust.timestamp:
        with suppress(RepositoryError):  # out of date by now, or of a key since replaced
            known.update_timestamp(trust.timestamp)
    with _told("timestamp", timestamp, known.root), suppress(EqualVersionNumberError):
        known.update_timestamp(timestamp)
    if trust.snapshot:
        with suppress(RepositoryError):
            known.update_snapshot(trust.snapshot, trusted=True)
    with _told("snapshot", snapshot, known.root):
        known.update_snapshot(snapshot)
    with _told("targets", targets, known.root):
        known.update_targets(targets)
    return known, replace(trust, timestamp=timestamp, snapshot=snapshot)


@contextmanager
def _told(role: str, raw: bytes, root: Root) -> Iterator[None]:
    """What the client says, in the words of a car."""
    try:
        yield
    except ExpiredMetadataError as error:
        raise ExpiredPackage(f"{role}: {error}") from None
    except EqualVersionNumberError:
        raise
    except BadVersionNumberError as error:
        raise OlderPackage(f"{role}: {error}") from None
    except LengthOrHashMismatchError as error:
        raise TamperedPackage(f"{role}: {error}") from None
    except UnsignedMetadataError:
        signed_by = set(Metadata.from_bytes(raw).signatures)
        if signed_by & set(root.roles[role].keyids):
            raise TamperedPackage(f"{role}: the signature does not fit the content") from None
        raise UnknownKey(f"{role}: not signed by a key that the car trusts") from None
    except RepositoryError as error:
        raise MalformedPackage(f"{role}: {error}") from None


def _compare(content: Mapping[str, bytes], targets: Targets) -> None:
    """Every file is the one that was signed, and none is missing or too many."""
    for name in sorted(content.keys() ^ targets.targets.keys()):
        raise TamperedPackage(f"file '{name[:80]}' is {'not signed' if name in content else 'missing'}")
    for name, raw in content.items():
        try:
            targets.targets[name].verify_length_and_hashes(raw)
        except RepositoryError as error:
            raise TamperedPackage(f"file '{name}': {error}") from None


def _backbone(targets: Targets) -> str:
    """The one backbone that the package is made for, or ""."""
    found = {_custom(target).get("backbone", "") for target in targets.targets.values()} - {""}
    if len(found) > 1 or not all(isinstance(each, str) for each in found):
        raise MalformedPackage("it does not say which backbone it is made for")
    return str(next(iter(found), ""))


def _custom(target: TargetFile) -> Mapping[str, Any]:
    custom = target.unrecognized_fields.get("custom", {})
    return custom if isinstance(custom, dict) else {}


def _is_metadata(name: str) -> bool:
    return name.startswith("metadata/")


def _plain(name: str, raw: bytes) -> bytes:
    """The bytes, if they are JSON of a bearable size and depth in which no key stands twice."""
    if len(raw) > MAX_METADATA_BYTES:
        raise OversizedPackage(f"{name} has {len(raw):,} bytes, and a car takes at most {MAX_METADATA_BYTES:,}")
    try:
        json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise MalformedPackage(f"{name} is not plain JSON: {error}") from None
    return raw


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) < len(pairs):
        raise ValueError("a key stands twice")
    return out
