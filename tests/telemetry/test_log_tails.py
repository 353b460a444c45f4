"""Whatever a crash leaves behind the last synced record, the longest good prefix comes back, and more can follow."""

import os
from pathlib import Path

import numpy as np
import pytest
from wire_samples import RUN, a_clip, some_fires

from scenarios import Draws
from telemetry.codec import digest_of, encode_clip, encode_rows
from telemetry.errors import LedgerCorrupt
from telemetry.ledger import Incoming, Ledger, Outcome
from telemetry.log_format import HEAD_BYTES, Head, read_record

TAILS = 60
DRAWS = Draws(7)
MESSAGES = 12


def message(number: int) -> Incoming:
    if number % 3:
        frames = encode_rows(RUN, "fires", str(number), some_fires(number, 2))
        return Incoming(f"{RUN}/rows/fires/{number}", digest_of(frames), frames)
    frames = encode_clip(a_clip(str(number), picture=bytes([number]) * 700))
    return Incoming(f"{RUN}/clip/{number}", digest_of(frames), frames)


def killed(folder: Path, count: int = MESSAGES) -> Path:
    """The log of a server that was killed before its index knew of anything, one message a group."""
    ledger = Ledger(folder)
    for number in range(count):
        ledger.append([message(number)])
    ledger._segments.close(empty=False)
    ledger._lock.close()
    return folder / "inbox/segments/00000001.seg"


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


def flipped(raw: bytes, at: int, noise: np.ndarray) -> bytes:
    return raw[:at] + bytes([raw[at] ^ (1 << int(noise[0]) % 8)]) + raw[at + 1 :]


def zeroed(raw: bytes, at: int, noise: np.ndarray) -> bytes:
    return raw[:at] + bytes(len(raw) - at + int(noise[0]))


def garbage(raw: bytes, at: int, noise: np.ndarray) -> bytes:
    return raw[:at] + noise.tobytes()


def stale(raw: bytes, at: int, _: np.ndarray) -> bytes:
    """What the same file held in another life: whole records under another salt, at their own places."""
    return raw[:at] + STALE[at:]


STALE = b""
DAMAGES = {each.__name__: each for each in (torn, flipped, zeroed, garbage, stale)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    global STALE  # noqa: PLW0603 - the other life of the same file, made once
    STALE = killed(tmp_path_factory.mktemp("stale")).read_bytes()
    return killed(tmp_path_factory.mktemp("whole")).read_bytes()


@pytest.mark.parametrize("kind", DAMAGES)
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
        left = DAMAGES[kind](whole, int(at[case]), noise[case].astype(np.uint8))
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


def test_a_segment_that_was_left_whole_must_still_be(tmp_path: Path) -> None:
    """What the next one says it goes on from was synced: damage in it is no torn tail, and a person must look."""
    ledger = Ledger(tmp_path, segment_bytes=1_500)
    for number in range(MESSAGES):
        ledger.append([message(number)])
    ledger._segments.close(empty=False)
    ledger._lock.close()
    for file in (tmp_path / "inbox").glob("index.sqlite*"):
        file.unlink()
    second = tmp_path / "inbox/segments/00000002.seg"
    second.write_bytes(second.read_bytes()[:-1])
    with pytest.raises(LedgerCorrupt, match="does not go on where the last one ends"):
        Ledger(tmp_path)


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
