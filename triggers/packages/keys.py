"""Keys of a sender of packages, and the root of trust that its cars are built with.

After The Update Framework, specification 1.0.31: four roles, each with an Ed25519 key (RFC 8032). `root` says which
keys the others have and is needed only to make or replace keys: keep it offline.

    keys/
      1.root.json, 2.root.json …   who is trusted; a car is built with any of these and follows the later ones
      root.pem targets.pem snapshot.pem timestamp.pem   private
"""

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root

from triggers.packages.errors import BadKeys

ROLES = ("root", "targets", "snapshot", "timestamp")
MAX_ROOTS = 256


@dataclass(frozen=True, slots=True)
class Keys:
    """A sender's keys: roots, every version of the root as bytes, oldest first; signers, by role."""

    roots: tuple[bytes, ...]
    signers: dict[str, CryptoSigner]


def last_moment(day: dt.date) -> dt.datetime:
    """When a thing that holds through this day expires: the midnight after it, UTC."""
    return dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(days=1)


def make_keys(folder: Path, *, expires: dt.date) -> Path:
    """New keys and their first root, in a new folder; the root's file. Raises BadKeys where something is there."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadKeys(folder, "there is something already; keys are never written over")
    folder.mkdir(parents=True, exist_ok=True)
    signers = {role: _new_signer() for role in ROLES}
    root = Root(version=1, expires=last_moment(expires), consistent_snapshot=False)
    for role, signer in signers.items():
        root.add_key(signer.public_key, role)
        _write_private(folder / f"{role}.pem", signer)
    return _write_root(folder, root, [signers["root"]])


def replace_keys(folder: Path, roles: Sequence[str], *, expires: dt.date) -> Path:
    """New keys for these roles, and a root that says so, signed by the old root key and the new; the root's file.

    Packages signed with a replaced key are then refused by every car that has seen the new root. Raises BadKeys.
    """
    for role in roles:
        if role not in ROLES:
            raise BadKeys(folder, f"there is no role '{role}'; there is {', '.join(ROLES)}")
    keys, new = read_keys(folder), {role: _new_signer() for role in roles}
    root = read_root(keys.roots[-1], folder)
    for role, signer in new.items():
        for keyid in tuple(root.roles[role].keyids):
            root.revoke_key(keyid, role)
        root.add_key(signer.public_key, role)
    root.version, root.expires = root.version + 1, last_moment(expires)
    file = _write_root(folder, root, [keys.signers["root"], *(new[role] for role in new if role == "root")])
    for role, signer in new.items():
        _write_private(folder / f"{role}.pem", signer)
    return file


def read_keys(folder: Path) -> Keys:
    """The keys in a folder. Raises BadKeys."""
    files = {role: folder / f"{role}.pem" for role in ROLES}
    missing = [file for file in (*files.values(), folder / "1.root.json") if not file.is_file()]
    if missing:
        raise BadKeys(missing[0], "no such file; `outrider trigger keys DIR` makes a folder of keys")
    roots: list[bytes] = []
    while (file := folder / f"{len(roots) + 1}.root.json").is_file() and len(roots) < MAX_ROOTS:
        roots.append(file.read_bytes())
    return Keys(tuple(roots), {role: _read_signer(file) for role, file in files.items()})


def read_root(raw: bytes, file: Path | str) -> Root:
    """The root of trust in these bytes; file: for messages. Raises BadKeys."""
    try:
        return Metadata[Root].from_bytes(raw).signed
    except RepositoryError as error:
        raise BadKeys(file, f"not a root of trust: {error}") from None


def _new_signer() -> CryptoSigner:
    return CryptoSigner(Ed25519PrivateKey.generate())


def _read_signer(file: Path) -> CryptoSigner:
    try:
        key = load_pem_private_key(file.read_bytes(), None)
        return CryptoSigner(key)
    except (ValueError, TypeError, OSError) as error:
        raise BadKeys(file, f"not a private key: {error}") from None


def _write_private(file: Path, signer: CryptoSigner) -> None:
    """Readable by its owner only, from the first byte on."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(signer.private_bytes)


def _write_root(folder: Path, root: Root, signers: Sequence[CryptoSigner]) -> Path:
    metadata = Metadata(root)
    for signer in signers:
        metadata.sign(signer, append=True)
    file = folder / f"{root.version}.root.json"
    file.write_bytes(metadata.to_bytes())
    return file
