"""Four hundred power cuts, none lost and none taken for damage, with controls for both that must be caught."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from power import Disk, recorded
from wire_samples import RUN, a_clip, some_fires

from scenarios import Draws
from telemetry.codec import Frame, decode, digest_of, encode_clip, encode_rows
from telemetry.errors import LedgerCorrupt
from telemetry.ledger import Incoming, Ledger, Outcome
from telemetry.log_format import About, pack_record
from telemetry.messages import ClipUpload, Piece, Rows
from telemetry.pieces import cut
from telemetry.segments import Segments

CUTS = 400
DRAWS = Draws(20)


def incoming(frames: list[bytes]) -> Incoming:
    message, _ = decode(frames)
    if isinstance(message, Piece):
        return Incoming(message.id, bytes.fromhex(message.digest), frames, piece=message)
    assert isinstance(message, ClipUpload | Rows)
    return Incoming(message.id, digest_of(frames), frames)


def a_server_at_work(folder: Path) -> Disk:
    """Forty groups of rows, clips and pieces in small segments, pruned once, acknowledged as a server does."""
    disk = Disk(folder.resolve())
    with recorded(disk, pytest.MonkeyPatch()):
        ledger = Ledger(disk.root, segment_bytes=60_000, enter_messages=15)
        long = [frames for _, frames in cut("city/clip/long", encode_clip(a_clip("long", picture=bytes(400_000))))]
        for i in range(40):
            frames = [encode_rows(RUN, "fires", f"{i}-{k}", some_fires(10 * i + k, 3)) for k in range(3)]
            group = [*frames, encode_clip(a_clip(f"c{i}", picture=bytes([i]) * 5_000)), *long[i : i + 1][: i < 4]]
            messages = [incoming(each) for each in group]
            ledger.append(messages)
            disk.mark(tuple(message.id for message in messages))
            if i == 25:
                ledger.prune(60)
        ledger.close()
    return disk


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Disk:
    return a_server_at_work(tmp_path_factory.mktemp("disk"))


def lost(disk: Disk, upto: int, number: int, folder: Path, told: set[str]) -> set[str]:
    """What somebody was told is kept and is not, or not once, when the power went before op `upto`."""
    disk.image(upto, folder, DRAWS, number)
    ledger = Ledger(folder)
    kept = [entry.id for entry in ledger.entries(0, 10_000)]
    known = {each for each in told if ledger.known(each) is not None}
    pieces = {f"{whole}#{number}" for (_, whole), there in ledger._partials._pieces.items() for number in there}
    ledger.append([incoming(encode_rows(RUN, "fires", "after", some_fires()))])  # and it goes on
    ledger.close()
    assert len(kept) == len(set(kept))
    return {each for each in told if each not in known and each not in pieces}


def cuts(disk: Disk) -> np.ndarray:
    return DRAWS.integers("cut before", np.arange(CUTS), 0, high=len(disk.ops))


def test_no_power_cut_loses_what_was_acknowledged(disk: Disk, tmp_path: Path) -> None:
    for number, upto in enumerate(cuts(disk).tolist()):
        told = {each for at, ids in disk.marks if at <= upto for each in ids}
        assert not lost(disk, upto, number, tmp_path / str(number), told)


def test_a_server_that_acknowledges_before_the_sync_is_caught(disk: Disk, tmp_path: Path) -> None:
    """The same images, but each group was acknowledged once its first write was done."""
    writes = [i for i, op in enumerate(disk.ops) if op.what == "write" and op.path.suffix == ".seg"]
    ends = [0, *(at for at, _ in disk.marks)]
    early = [
        (next(i for i in writes if i >= begin) + 1, ids) for begin, (_, ids) in zip(ends, disk.marks, strict=False)
    ]
    caught = 0
    for number, upto in enumerate(cuts(disk).tolist()[: CUTS // 2]):
        told = {each for at, ids in early if at <= upto for each in ids}
        caught += bool(lost(disk, upto, number, tmp_path / str(number), told))
    assert caught >= CUTS // 8


def test_no_torn_group_is_taken_for_damage_but_where_a_log_says_synced_too_early(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cuts between writing and syncing each group; in the control each record says that the one before was synced."""
    ends: dict[int, int] = {}

    def boastful(about: About, frames: Sequence[Frame], salt: int, synced: int) -> list[Frame]:
        start = max(synced, ends.get(salt, 0))
        record = pack_record(about, frames, salt, start)
        ends[salt] = start + sum(map(len, record))
        return record

    with monkeypatch.context() as patch:
        patch.setattr("telemetry.segments.pack_record", boastful)
        control = a_server_at_work(tmp_path / "disk")
    assert taken_for_damage(disk, tmp_path / "honest") == 0
    assert taken_for_damage(control, tmp_path / "boastful") >= 10


def taken_for_damage(disk: Disk, folder: Path) -> int:
    """How many of some hundred cuts between writing and syncing a group."""
    torn = [i + 1 for i, op in enumerate(disk.ops) if op.what == "write" and op.path.suffix == ".seg"]
    taken = 0
    for number, upto in enumerate(2 * torn):
        try:
            lost(disk, upto, number, folder / str(number), set())
        except LedgerCorrupt:
            taken += 1
    return taken


class Killed(BaseException):
    """The process ends here."""


def test_what_a_killed_server_left_is_on_the_disk_before_its_successor_acknowledges_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was written and not synced, and is found again: the sender asks once more, and then the power goes."""

    def killed(_: Segments) -> None:
        raise Killed

    disk = Disk((tmp_path / "disk").resolve())
    group = [incoming(encode_rows(RUN, "fires", str(k), some_fires(k, 3))) for k in range(5)]
    with recorded(disk, monkeypatch):
        ledger = Ledger(disk.root)
        with monkeypatch.context() as patch, contextlib.suppress(Killed):
            patch.setattr(Segments, "sync", killed)
            ledger.append(group)
        ledger._segments.close(empty=False)
        ledger._index.close()
        ledger._lock.close()
        ledger = Ledger(disk.root)
        assert ledger.append(group) == [Outcome.DUPLICATE] * len(group)
        disk.mark(tuple(message.id for message in group))
        ledger.close()
    ((told_at, told),) = disk.marks
    for number, upto in enumerate(range(told_at, len(disk.ops) + 1)):
        assert not lost(disk, upto, number, tmp_path / str(number), set(told))
