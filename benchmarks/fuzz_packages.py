"""Hostile packages and campaign files: no crash, no hang, no memory growth, only errors of ours; one line of JSON.

    python benchmarks/fuzz_packages.py [INPUTS]    default 200,000, half of them packages; the same inputs every time

Inputs are mutants of good files: of their bytes, of the archive (names, sizes, order, headers), of the JSON inside, of
the YAML of specs, of conditions. Half of the mutated packages are signed again with the true keys, so that what lies
behind the signatures is reached; a car that takes one of the others must have got the files of a good one. Anything
raised that is no error of ours ends the program with the input's number.

- `inputs`: how many were offered; `accepted`: how many of them were taken as good;
- `slowest_ms`: CPU time of the longest; `growth_mb`: resident memory after the last less that after the first tenth.
"""

import datetime as dt
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from securesystemslib.formats import encode_canonical

from fleet.measured import Figure, told
from instruments.process import resident_mb
from triggers import TriggerError, fleetwise, packages
from triggers.packages.archive import BLOCK, TRAILER, read_archive, write_archive
from triggers.packages.pack import seal

INPUTS = 200_000
NOW = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
ODD: list[Any] = [
    None, True, 0, -1, 1, 2**31, 2**63, 2**2000, 1.5, "", "a", "\x00", "é\u202e", "9" * 400, "../x", [], {}, [[[]]],
    {"a": {"b": {}}}, "2027-01-01T00:00:00Z", "sha256", "ed25519", "*", "Vehicle.Speed", [1] * 500,
]  # fmt: skip
WORDS = (
    "$variable.`Vehicle.Speed`", "$variable.`", "`", "&&", "||", "!", "(", ")", "==", "<", "+", "-", "*", "/", "1e999",
    "0.5", "'a'", '"', "isNull(", "custom_function('abs',", "true", ",", " ", "\n", "\x00", "é", "9" * 50,
)  # fmt: skip
CAR = fleetwise.Car({"Vehicle.Speed": float, "Vehicle.IsMoving": bool, "Vehicle.ADAS.ActiveAutonomyLevel": str})


class Dice:
    """Chance that depends on the input's number alone."""

    def __init__(self, number: int) -> None:
        self._pool, self._number, self._round = b"", number, 0

    def below(self, n: int) -> int:
        """From 0 to n - 1."""
        if len(self._pool) < 4:
            self._pool = hashlib.blake2b(f"{self._number} {self._round}".encode()).digest()
            self._round += 1
        taken, self._pool = self._pool[:4], self._pool[4:]
        return int.from_bytes(taken, "little") % max(n, 1)

    def one(self, things: Sequence[Any]) -> Any:
        """One of these."""
        return things[self.below(len(things))]


def mutated_bytes(raw: bytes, dice: Dice) -> bytes:
    """Some bytes replaced, put in or cut out, or the whole cut short."""
    out = bytearray(raw)
    for _ in range(1 + dice.below(4)):
        at = dice.below(len(out) + 1)
        out[at : at + dice.below(9)] = bytes(dice.below(256) for _ in range(dice.below(9)))
    return bytes(out[: dice.below(len(out) + 1)] if dice.below(8) == 0 else out)


def mutated_tree(value: Any, dice: Dice) -> Any:
    """A JSON value with one thing in it replaced, left out, doubled or renamed."""
    if isinstance(value, dict) and value and dice.below(8):
        key = dice.one(sorted(value))
        out = dict(value)
        if dice.below(4):
            return out | {key: mutated_tree(value[key], dice)}
        kept = out.pop(key)
        return out if dice.below(2) else out | {str(dice.one(ODD))[:50]: kept}
    if isinstance(value, list) and value and dice.below(8):
        at = dice.below(len(value))
        return [*value[:at], mutated_tree(value[at], dice), *value[at + dice.below(3) :]]
    return dice.one(ODD)


def mutated_text(text: str, dice: Dice) -> str:
    """Words of the language put in and pieces cut out."""
    for _ in range(1 + dice.below(5)):
        at = dice.below(len(text) + 1)
        text = text[:at] + dice.one(WORDS) * (1 + (dice.below(40) == 0) * 200) + text[at + dice.below(6) :]
    return text


def mutated_archive(raw: bytes, dice: Dice) -> bytes:
    """Entries out of order, twice, renamed, of another size, or with another header."""
    blocks = []
    for name, content in read_archive(raw).items():
        whole = write_archive({name: content})
        blocks.append(whole[: len(whole) - len(TRAILER)])
    at = dice.below(len(blocks))
    block = bytearray(blocks[at])
    match dice.below(5):
        case 0:
            blocks.insert(dice.below(len(blocks)), blocks[at])
        case 1:
            blocks.append(blocks.pop(at))
        case 2:
            block[:100] = dice.one([b"../../x", b"/etc/passwd", b"targets/a/b", b"targets/" + b"a" * 90]).ljust(
                100, b"\0"
            )
        case 3:
            block[124:136] = dice.one([b"77777777777\0", b"00000000000\0", b"-0000000001\0", b"\x80" + b"\xff" * 11])
        case _:
            block[dice.below(BLOCK)] = dice.below(256)
    if bytes(block) != blocks[at] and dice.below(4):  # with a checksum that holds
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block[:BLOCK])
        blocks[at] = bytes(block)
    return b"".join(blocks) + TRAILER


class Forged(Exception):
    """A car took what nobody signed."""


class Sender:
    """True keys, some good packages, and ways to spoil them."""

    def __init__(self, folder: Path) -> None:
        root = packages.make_keys(folder, expires=dt.date(2100, 1, 1))
        self.keys, self.trust = packages.read_keys(folder), packages.Trust.read(root)
        until = dt.date(2027, 12, 31)
        self.good = [
            packages.pack(specs, self.keys, version=version, expires=until)
            for version, specs in ((3, ("hard_braking",)), (4, ("caution_light", "hard_braking")))
        ]
        taken = [packages.verify(raw, self.trust, now=NOW, backbone=None) for raw in self.good]
        self.memory, self.files = taken[0].trust, [each.files for each in taken]
        self.signed = False  # whether the last mutant was signed again

    def mutant(self, dice: Dice) -> bytes:
        """A package that something is wrong with."""
        raw, self.signed = dice.one(self.good), False
        match dice.below(6):
            case 0:
                return mutated_bytes(raw, dice)
            case 1:
                return mutated_archive(raw, dice)
            case 2:
                return self._spec(raw, dice)
            case _:
                return self._metadata(raw, dice)

    def _spec(self, raw: bytes, dice: Dice) -> bytes:
        files = {n.removeprefix("targets/"): c for n, c in read_archive(raw).items() if n.startswith("targets/")}
        name = dice.one([each for each in files if each.endswith(".yaml")])
        files[name], self.signed = mutated_bytes(files[name], dice), True
        return seal(files, dice.one(["", "ab" * 32]), self.keys, version=5, expires=dt.date(2027, 12, 31))

    def _metadata(self, raw: bytes, dice: Dice) -> bytes:
        files = read_archive(raw)
        name = dice.one(
            ["metadata/timestamp.json", "metadata/snapshot.json", "metadata/targets.json", "metadata/1.root.json"]
        )
        value = mutated_tree(json.loads(files[name]), dice)
        if dice.below(2):
            value = self._signed(value, name, json.loads(files[name]))
        return write_archive(files | {name: json.dumps(value).encode()})

    def _signed(self, value: Any, name: str, was: dict[str, Any]) -> Any:
        """Signed again by the true key, where there is something that can be signed."""
        if not isinstance(value, dict) or not isinstance(value.get("signed"), dict):
            return value
        role = name.split("/")[1].split(".")[-2]
        try:
            raw = encode_canonical(value["signed"])
        except Exception:  # noqa: BLE001 -- whatever that library says of what it cannot encode
            return value
        self.signed = True
        signature = self.keys.signers[role].sign(raw.encode() if isinstance(raw, str) else raw)
        return value | {"signatures": [{"keyid": was["signatures"][0]["keyid"], "sig": signature.signature}]}


SIGNALS = [{"name": "Vehicle.Speed", "maxSampleCount": 9, "minimumSamplingIntervalMs": 100, "dataPartitionId": "a"}]
STORAGE = {
    "maximumSize": {"unit": "MB", "value": 1}, "storageLocation": "x",
    "minimumTimeToLive": {"unit": "DAYS", "value": 1},
}  # fmt: skip
CONDITION = "$variable.`Vehicle.Speed` > 3 && !($variable.`Vehicle.IsMoving` == 1 || isNull($variable.`Vehicle.Speed`))"
FETCH = {
    "fullyQualifiedName": "A.B", "actions": ["x"],
    "signalFetchConfig": {"conditionBased": {"conditionExpression": "true", "triggerMode": "ALWAYS"}},
}  # fmt: skip


def campaign(condition: str | None) -> dict[str, Any]:
    """A good campaign with every field."""
    when = {"expression": condition, "triggerMode": "RISING_EDGE", "minimumTriggerIntervalMs": 1000}
    scheme = (
        {"conditionBasedCollectionScheme": when} if condition else {"timeBasedCollectionScheme": {"periodMs": 10000}}
    )
    return {
        "name": "a", "description": "b", "collectionScheme": scheme, "signalsToCollect": SIGNALS, "priority": 1,
        "expiryTime": 1801353600.5, "startTime": "2027-01-01", "postTriggerCollectionDuration": 1000,
        "compression": "SNAPPY", "spoolingMode": "TO_DISK", "diagnosticsMode": "OFF", "signalsToFetch": [FETCH],
        "dataPartitions": [{"id": "a", "storageOptions": STORAGE, "uploadOptions": {"expression": "true"}}],
        "dataExtraDimensions": ["A"], "tags": [{"Key": "k", "Value": "v"}],
        "dataDestinationConfigs": [{"s3Config": {}}],
    }  # fmt: skip


def mutated_campaign(dice: Dice) -> bytes:
    """A campaign that something is wrong with."""
    condition = mutated_text(CONDITION, dice) if dice.below(2) else CONDITION
    whole = campaign(None if dice.below(6) == 0 else condition)
    if dice.below(3):
        whole = mutated_tree(whole, dice)
    raw = json.dumps(whole).encode()
    return mutated_bytes(raw, dice) if dice.below(5) == 0 else raw


def imported(raw: bytes) -> None:
    """Read and migrate a campaign."""
    fleetwise.migrate(fleetwise.read_campaign(raw, "c.json"), "c.json", CAR)


def fuzz(inputs: int, offer: Callable[[Dice], None]) -> dict[str, float]:
    """Offer so many inputs; what became of them."""
    accepted, slowest_s, base_mb, began = 0, 0.0, 0.0, time.monotonic()
    for number in range(inputs):
        if number == inputs // 10:
            base_mb = resident_mb()
        before = time.process_time()
        try:
            offer(Dice(number))
            accepted += 1
        except TriggerError:
            pass
        except Exception:
            print(f"input {number} is no error of ours", file=sys.stderr)
            raise
        slowest_s = max(slowest_s, time.process_time() - before)
    spent_s, growth_mb = time.monotonic() - began, resident_mb() - base_mb
    figures = {"inputs": inputs, "accepted": accepted, "slowest_ms": 1e3 * slowest_s, "seconds": spent_s}
    return figures | {"growth_mb": growth_mb}


def package_offer(sender: Sender) -> Callable[[Dice], None]:
    """A car, new or with a memory, that is offered mutants."""

    def offer(dice: Dice) -> None:
        trust = dice.one([sender.trust, sender.memory])
        taken = packages.verify(sender.mutant(dice), trust, now=NOW, backbone=None)
        if not sender.signed and taken.files not in sender.files:
            raise Forged

    return offer


def main() -> None:
    """Fuzz and print."""
    inputs = int(sys.argv[1]) if len(sys.argv) > 1 else INPUTS
    with tempfile.TemporaryDirectory() as folder:
        found = {"packages": fuzz(inputs // 2, package_offer(Sender(Path(folder) / "keys")))}
    found["campaigns"] = fuzz(inputs - inputs // 2, lambda dice: imported(mutated_campaign(dice)))
    figures = [Figure(f"{what}.{name}", value) for what, each in found.items() for name, value in each.items()]
    print(json.dumps(told("fuzz_packages", figures)))


if __name__ == "__main__":
    main()
