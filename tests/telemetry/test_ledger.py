import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire_samples import RUN, a_clip, some_fires

from telemetry.codec import digest_of, encode_clip, encode_rows
from telemetry.errors import LedgerCorrupt, StorageFull, StoreLocked, StoreUnwritable
from telemetry.ledger import Incoming, Ledger, Outcome
from telemetry.messages import Rows


def rows(batch: str, count: int = 3) -> Incoming:
    frames = encode_rows(RUN, "fires", batch, some_fires(0, count))
    return Incoming(f"{RUN}/rows/fires/{batch}", digest_of(frames), frames)


def clip(name: str, picture: bytes = b"picture") -> Incoming:
    frames = encode_clip(a_clip(name, picture=picture))
    return Incoming(f"{RUN}/clip/{name}", digest_of(frames), frames)


def ids(ledger: Ledger, after: int = 0) -> list[str]:
    return [entry.id.rsplit("/", 1)[1] for entry in ledger.entries(after, 10_000)]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "store", segment_bytes=2_000)
    yield ledger
    ledger.close()


def test_what_was_kept_comes_back_in_order_after_a_restart(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    assert ledger.append([rows("a"), clip("b")]) == [Outcome.STORED] * 2
    ledger.append([rows("c")])
    ledger.close()
    ledger = Ledger(tmp_path)
    assert [(entry.seq, entry.kind) for entry in ledger.entries(0, 10)] == [(1, "rows"), (2, "clip"), (3, "rows")]
    assert next(ledger.entries(1, 1)).clip() == a_clip("b", picture=b"picture")
    assert list(next(ledger.entries(0, 1)).columns()["run"]) == [RUN] * 3
    ledger.close()


def test_an_entry_is_only_read_as_what_it_is(ledger: Ledger) -> None:
    ledger.append([rows("a"), clip("b")])
    first, second = ledger.entries(0, 2)
    with pytest.raises(TypeError, match="holds rows"):
        first.clip()
    with pytest.raises(TypeError, match="holds a clip"):
        second.columns()


def test_an_id_is_taken_once_within_a_group_and_across(ledger: Ledger) -> None:
    assert ledger.append([rows("a"), rows("a")]) == [Outcome.STORED, Outcome.DUPLICATE]
    assert ledger.append([rows("a"), rows("b")]) == [Outcome.DUPLICATE, Outcome.STORED]
    assert ids(ledger) == ["a", "b"]


def test_an_id_with_other_content_is_a_conflict_and_changes_nothing(ledger: Ledger) -> None:
    assert ledger.append([rows("a", 3), rows("a", 4)]) == [Outcome.STORED, Outcome.CONFLICT]
    assert ledger.append([rows("a", 5)]) == [Outcome.CONFLICT]
    (entry,) = ledger.entries(0, 10)
    assert isinstance(entry.header, Rows)
    assert entry.header.count == 3


def test_an_id_stays_taken_when_its_body_is_gone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append([rows("a")])
    ledger.prune(1)
    ledger.close()
    ledger = Ledger(tmp_path)
    assert ledger.append([rows("a"), rows("b")]) == [Outcome.DUPLICATE, Outcome.STORED]
    assert [entry.seq for entry in ledger.entries(0, 10)] == [2], "a number is never used again"
    ledger.close()


def test_pruning_frees_the_disk(ledger: Ledger) -> None:
    for i in range(50):
        ledger.append([clip(str(i), bytes(500))])
    segments = ledger.store / "inbox/segments"
    many = len(list(segments.iterdir()))
    ledger.prune(40)
    assert ids(ledger) == [str(i) for i in range(40, 50)]
    assert len(list(segments.iterdir())) < many / 3
    assert ledger.waiting == 10


def test_an_empty_inbox_leaves_no_segments(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append([rows("a")])
    ledger.prune(ledger.last_seq)
    ledger.close()
    assert list((tmp_path / "inbox/segments").iterdir()) == []


@pytest.mark.parametrize("torn", [1, 7, 400])
def test_bytes_without_a_row_are_cut_off(tmp_path: Path, torn: int) -> None:
    ledger = Ledger(tmp_path)
    ledger.append([rows("a")])
    ledger.close()
    segment = tmp_path / "inbox/segments/00000001.seg"
    whole = segment.read_bytes()
    segment.write_bytes(whole + bytes(torn))
    (tmp_path / "inbox/segments/00000002.seg").write_bytes(b"begun, never entered")
    ledger = Ledger(tmp_path)
    assert segment.read_bytes() == whole
    ledger.append([rows("b")])
    assert ids(ledger) == ["a", "b"]
    assert len(list(segment.parent.iterdir())) == 1
    ledger.close()


@pytest.mark.parametrize("at", [0, 5, 60, -1])
def test_a_bit_that_flipped_on_disk_is_noticed(ledger: Ledger, at: int) -> None:
    ledger.append([clip("a", bytes(500))])
    segment = ledger.store / "inbox/segments/00000001.seg"
    raw = bytearray(segment.read_bytes())
    raw[at] ^= 4
    segment.write_bytes(raw)
    with pytest.raises(LedgerCorrupt, match="damaged"):
        list(ledger.entries(0, 10))


def test_a_segment_that_is_gone_is_noticed(ledger: Ledger) -> None:
    ledger.append([rows("a")])
    (ledger.store / "inbox/segments/00000001.seg").unlink()
    with pytest.raises(LedgerCorrupt, match="damaged"):
        list(ledger.entries(0, 10))


def test_a_store_has_one_server(ledger: Ledger) -> None:
    with pytest.raises(StoreLocked, match="in use by another server"):
        Ledger(ledger.store)


def test_a_store_is_free_when_its_server_is_gone(tmp_path: Path) -> None:
    Ledger(tmp_path).close()
    Ledger(tmp_path).close()


def test_a_store_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreUnwritable, match="Not a directory"):
        Ledger(tmp_path / "file/store")


def test_a_file_that_is_no_ledger_says_why(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox/index.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreUnwritable, match="not a database"):
        Ledger(tmp_path)


FULL = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_ledger import clip, until_full
from telemetry.ledger import Ledger
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
ledger = Ledger(Path(sys.argv[1]))
kept = until_full(ledger, int(sys.argv[3]))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
ledger.append([clip("after", bytes(20_000))])
assert [entry.id for entry in ledger.entries(0, 10_000)] == [f"city/clip/{name}" for name in [*kept, "after"]]
ledger.close()
print(len(kept))
"""


def until_full(ledger: Ledger, size: int) -> list[str]:
    """Keep clips until there is no room twice; the names of those that were kept."""
    kept: list[str] = []
    refused = 0
    while refused < 2:
        try:
            ledger.append([clip(str(len(kept)), bytes(size))])
            kept.append(str(len(kept)))
        except StorageFull:
            refused += 1
    return kept


@pytest.mark.parametrize(("size", "what"), [(20_000, "segment"), (100, "ledger")])
def test_a_full_disk_keeps_nothing_of_a_group_and_goes_on_when_there_is_room(
    tmp_path: Path, size: int, what: str
) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path), str(Path(__file__).parent), str(size)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 1, what
