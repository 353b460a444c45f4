"""What a crash leaves behind the last synced group is cut off, and more can follow; what was damaged later is told."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import xxhash
from wire_samples import RUN, a_clip, some_fires

from scenarios import Draws
from telemetry.codec import digest_of, encode_clip, encode_rows
from telemetry.errors import LedgerCorrupt
from telemetry.ledger import Incoming, Ledger, Outcome
from telemetry.log_format import HEAD_BYTES, Head, pack_record, read_record
from telemetry.record import split
from telemetry.segments import Place, Position, Segments

TAILS = 60
DRAWS = Draws(7)
MESSAGES = 12
BYTES_APART = 13  # of the flips that are tried; 1 takes a minute


def message(number: int) -> Incoming:
    if number % 3:
        frames = encode_rows(RUN, "fires", str(number), some_fires(number, 2))
        return Incoming(f"{RUN}/rows/fires/{number}", digest_of(frames), frames)
    frames = encode_clip(a_clip(str(number), picture=bytes([number]) * 700))
    return Incoming(f"{RUN}/clip/{number}", digest_of(frames), frames)


def killed(folder: Path, *, a_group: int = 1, segment_bytes: int = 2**26) -> Path:
    """The log of a server that was killed before its index knew of anything; so many messages a group."""
    ledger = Ledger(folder, segment_bytes=segment_bytes)
    for first in range(0, MESSAGES, a_group):
        ledger.append([message(first + number) for number in range(a_group)])
    kill(ledger)
    return folder / "inbox/segments/00000001.seg"


def kill(ledger: Ledger) -> None:
    ledger._segments.close(empty=False)
    ledger._lock.close()


def ends(segment: Path) -> list[int]:
    """The head's end, and that of each record."""
    found = [HEAD_BYTES]
    with segment.open("rb") as file:
        head = Head.read(file.fileno())
        assert head
        while record := read_record(file.fileno(), found[-1], head.salt):
            found.append(record.end)
    return found


def torn(raw: bytes, at: int, _: np.ndarray) -> bytes:
    return raw[:at]


def zeroed(raw: bytes, at: int, noise: np.ndarray) -> bytes:
    return raw[:at] + bytes(len(raw) - at + int(noise[0]))


def garbage(raw: bytes, at: int, noise: np.ndarray) -> bytes:
    return raw[:at] + noise.tobytes()


def stale(raw: bytes, at: int, _: np.ndarray) -> bytes:
    """What the same file held in another life: whole records under another salt, at their own places."""
    return raw[:at] + STALE[at:]


STALE = b""
TAILS_LEFT = {each.__name__: each for each in (torn, zeroed, garbage, stale)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    global STALE  # noqa: PLW0603 - the other life of the same file, made once
    STALE = killed(tmp_path_factory.mktemp("stale")).read_bytes()
    return killed(tmp_path_factory.mktemp("whole")).read_bytes()


@pytest.mark.parametrize("kind", TAILS_LEFT)
def test_the_longest_good_prefix_comes_back_and_can_be_appended_to(kind: str, whole: bytes, tmp_path: Path) -> None:
    kept = killed(tmp_path / "whole")
    kept.write_bytes(whole)
    bounds = ends(kept)
    assert len(bounds) == MESSAGES + 1
    at = HEAD_BYTES + DRAWS.integers(f"where it is {kind}", np.arange(TAILS), 0, high=len(whole) - HEAD_BYTES)
    noise = DRAWS.integers(f"noise where it is {kind}", np.arange(TAILS * 500), 0, high=256).reshape(TAILS, 500)
    for case in range(TAILS):
        segment = tmp_path / str(case) / "inbox/segments/00000001.seg"
        segment.parent.mkdir(parents=True)
        left = TAILS_LEFT[kind](whole, int(at[case]), noise[case].astype(np.uint8))
        segment.write_bytes(left)
        good = sum(left[:end] == whole[:end] for end in bounds[1:])
        ledger = Ledger(tmp_path / str(case))
        assert [entry.seq for entry in ledger.entries(0, 100)] == list(range(1, good + 1))
        assert segment.stat().st_size == bounds[good]
        outcomes = ledger.append([message(number) for number in range(MESSAGES)])
        assert outcomes == [Outcome.DUPLICATE] * good + [Outcome.STORED] * (MESSAGES - good)
        ledger.close()
        again = Ledger(tmp_path / str(case))
        assert len(list(again.entries(0, 100))) == MESSAGES
        again.close()


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1 << at % 8]) + raw[at + 1 :]


def read_again(segment: Path) -> Iterator[Place]:
    """What a start takes from a log that its index knows nothing of."""
    return (place for _, place in Segments(segment.parent, roll_bytes=2**26).after(Position(0, 0, 0)))


def test_damage_to_any_byte_before_a_later_synced_group_is_told(tmp_path: Path) -> None:
    """And in the last group it looks as if that had never been synced, see docs/wire.md."""
    segment = killed(tmp_path, a_group=3)
    whole, bounds = segment.read_bytes(), ends(segment)
    for at in range(0, len(whole), BYTES_APART):
        segment.write_bytes(flipped(whole, at))
        if at < bounds[-4]:
            with pytest.raises(LedgerCorrupt):
                list(read_again(segment))
        else:
            assert [place.start + place.length for place in read_again(segment)] == [e for e in bounds[1:] if e <= at]


@pytest.mark.parametrize("length", [1, 100, 512, 4096])
def test_a_stray_write_is_told_and_nothing_is_cut_off(length: int, whole: bytes, tmp_path: Path) -> None:
    last_group = ends(killed(tmp_path / "whole"))[-2]
    for case, at in enumerate((HEAD_BYTES, HEAD_BYTES + 7, last_group // 2, last_group - 1)):
        stray = (bytes([case, 1, 1, 255]) * 1024)[: min(length, last_group - at)]
        segment = tmp_path / str(case) / "inbox/segments/00000001.seg"
        segment.parent.mkdir(parents=True)
        damaged = whole[:at] + stray + whole[at + len(stray) :]
        segment.write_bytes(damaged)
        with pytest.raises(LedgerCorrupt, match=r"was synced beyond byte \d+, where there is no record any more"):
            Ledger(tmp_path / str(case))
        assert segment.read_bytes() == damaged


def test_a_segment_that_was_left_whole_must_still_be(tmp_path: Path) -> None:
    """What the next one says it goes on from was synced: damage in it is no torn tail, and a person must look."""
    killed(tmp_path, segment_bytes=1_500)
    for file in (tmp_path / "inbox").glob("index.sqlite*"):
        file.unlink()
    second = tmp_path / "inbox/segments/00000002.seg"
    second.write_bytes(second.read_bytes()[:-1])
    with pytest.raises(LedgerCorrupt, match="does not go on where the last one ends"):
        Ledger(tmp_path)


@pytest.mark.parametrize("how", ["it was closed", "the tables had all"])
def test_an_end_that_the_index_knows_is_never_cut_off(how: str, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append([message(number) for number in range(MESSAGES)])
    if how == "it was closed":
        ledger.close()
    else:
        ledger.prune(MESSAGES)
        kill(ledger)
    segment = tmp_path / "inbox/segments/00000001.seg"
    damaged = flipped(segment.read_bytes(), segment.stat().st_size - 9)
    segment.write_bytes(damaged)
    again = Ledger(tmp_path)
    assert again.last_seq == MESSAGES
    assert segment.read_bytes() == damaged
    if how == "it was closed":
        with pytest.raises(LedgerCorrupt):
            list(again.entries(0, MESSAGES))
    again.close()
    segment.write_bytes(damaged[:-1])
    with pytest.raises(LedgerCorrupt, match="segment 1 was longer"):
        Ledger(tmp_path)


def test_what_a_sender_makes_up_shows_nothing(tmp_path: Path) -> None:
    """A torn tail that is full of records, as good as can be without the salt, which say that all was synced."""
    segment = killed(tmp_path)
    whole, bounds = segment.read_bytes(), ends(segment)
    with segment.open("rb") as file:
        head = Head.read(file.fileno())
        record = read_record(file.fileno(), bounds[1], head.salt) if head else None
    assert head
    assert record
    for salt in (0, head.salt ^ 1):
        made_up = b"".join(map(bytes, pack_record(record.about, split(record.body), salt, bounds[2])))
        segment.write_bytes(whole[: bounds[1]] + bytes(len(whole) - bounds[1]) + 100 * made_up)
        assert len(list(read_again(segment))) == 1
    true = b"".join(map(bytes, pack_record(record.about, split(record.body), head.salt, bounds[2])))
    segment.write_bytes(whole[: bounds[1]] + bytes(len(whole) - bounds[1]) + true)
    with pytest.raises(LedgerCorrupt):
        list(read_again(segment))


@pytest.mark.parametrize("before", [2**20 - 4, 2**20, 3 * 2**20 + 1])
def test_what_shows_damage_is_found_wherever_it_lies(before: int, tmp_path: Path) -> None:
    """Also across the bounds of what is looked through at once."""
    ledger = Ledger(tmp_path)
    ledger.append([message(1)])
    segment = tmp_path / "inbox/segments/00000001.seg"
    empty = a_clip_of(0)
    size = segment.stat().st_size
    ledger.append([empty])
    ledger.append([a_clip_of(before - (segment.stat().st_size - size))])
    ledger.append([message(2)])
    kill(ledger)
    segment.write_bytes(flipped(segment.read_bytes(), HEAD_BYTES))
    with pytest.raises(LedgerCorrupt):
        list(read_again(segment))


def a_clip_of(nbytes: int) -> Incoming:
    frames = encode_clip(a_clip(f"of {nbytes}", picture=bytes(nbytes)))
    return Incoming(f"{RUN}/clip/of {nbytes}", digest_of(frames), frames)


def test_a_log_of_an_earlier_version_is_left_alone(tmp_path: Path) -> None:
    segment = killed(tmp_path)
    former = b"OUTRSEG1" + segment.read_bytes()[8:40]
    former += xxhash.xxh3_64_digest(former) + segment.read_bytes()[HEAD_BYTES:]
    segment.write_bytes(former)
    with pytest.raises(LedgerCorrupt, match="does not begin as a segment of this version"):
        Ledger(tmp_path)
    assert segment.read_bytes() == former


def test_a_segment_is_as_the_page_says(tmp_path: Path) -> None:
    """Read by what docs/wire.md says, and nothing of ours."""
    raw = killed(tmp_path, a_group=3).read_bytes()
    magic, number, salt, first, before_end = struct.unpack_from("<8sQQQQ", raw)
    assert (magic, number, first, before_end) == (b"OUTRSEG2", 1, 1, 0)
    assert raw[40:48] == xxhash.xxh3_64_digest(raw[:40])
    at, starts = 48, list[int]()
    while at < len(raw):
        begins, about_bytes, body_bytes, synced = struct.unpack_from("<QIIQ", raw, at)
        end = at + 32 + about_bytes + body_bytes
        assert begins == salt
        assert raw[at + 24 : at + 32] == xxhash.xxh3_64_digest(raw[at : at + 24] + raw[at + 32 : end], salt)
        seq, name, digest, owner, piece = msgspec.msgpack.decode(raw[at + 32 : at + 32 + about_bytes])
        starts.append(at)
        assert (seq, owner, piece) == (len(starts), "", None)
        assert synced == starts[(seq - 1) // 3 * 3], "all before this group"
        (count,) = struct.unpack_from("<I", raw, at + 32 + about_bytes)
        assert 4 * (1 + count) + sum(struct.unpack_from(f"<{count}I", raw, at + 36 + about_bytes)) == body_bytes
        assert (name, digest) == (message(seq - 1).id, message(seq - 1).digest)
        at = end
    assert (at, len(starts)) == (len(raw), MESSAGES)


def test_an_index_is_made_again_from_the_log(tmp_path: Path) -> None:
    killed(tmp_path)
    for file in (tmp_path / "inbox").glob("index.sqlite*"):
        file.unlink()
    ledger = Ledger(tmp_path)
    assert ledger.append([message(number) for number in range(MESSAGES)]) == [Outcome.DUPLICATE] * MESSAGES
    ledger.close()


def test_a_log_whose_beginning_is_gone_with_its_index_is_no_log(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, segment_bytes=1_500)
    for number in range(MESSAGES):
        ledger.append([message(number)])
    ledger.prune(MESSAGES - 2)
    assert not (tmp_path / "inbox/segments/00000001.seg").exists()
    ledger.close()
    (tmp_path / "inbox/index.sqlite").unlink()
    with pytest.raises(LedgerCorrupt):
        Ledger(tmp_path)


def test_ids_are_safe_before_the_files_that_say_them_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Index and log to the disk, in this order, and only then a file away."""
    done: list[str] = []
    unlink, sync = os.unlink, os.fdatasync

    def synced(fd: int) -> None:
        sync(fd)
        done.append(Path(f"/proc/self/fd/{fd}").readlink().name)

    def unlinked(path: Path) -> None:
        unlink(path)
        done.append(f"- {Path(path).name}")

    ledger = Ledger(tmp_path, segment_bytes=1_500)
    for number in range(MESSAGES):
        ledger.append([message(number)])
    monkeypatch.setattr("telemetry.segments.os.fdatasync", synced)
    monkeypatch.setattr("telemetry.segments.os.unlink", unlinked)
    ledger.prune(MESSAGES)
    ledger.close()
    gone = next(i for i, what in enumerate(done) if what.startswith("- "))
    assert "index.sqlite-wal" in done[:gone]
