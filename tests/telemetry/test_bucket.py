"""Tables and clips in a bucket: what holds of a folder holds there, over real HTTP."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable
from mortal import compactor_deaths
from object_store import BUCKET, Line, an_object_store, needs_an_object_store, options_for
from wire_samples import RUN, a_clip, some_fires

from telemetry import open_store
from telemetry.destination import open_destination
from telemetry.errors import BadStoreURL, NotARun, NotNow, StoreRefused, StoreUnreachable
from telemetry.ledger import Ledger
from telemetry.loopback import Loopback
from telemetry.store import Compactor

pytestmark = needs_an_object_store
BATCHES, CLIPS = 12, 4


@pytest.fixture(name="url")
def a_url(request: pytest.FixtureRequest) -> str:
    return f"s3://{BUCKET}/{re.sub(r'[^a-z0-9]+', '-', request.node.name)}"


@pytest.fixture(name="inbox")
def a_full_inbox(tmp_path: Path) -> Path:
    return filled(tmp_path / "store")


def filled(store: Path, first: int = 0) -> Path:
    with Loopback(store, run=RUN) as gateway:
        for batch in range(first, first + BATCHES):
            gateway.send_rows("fires", f"b{batch}", some_fires(10 * batch, 10))
            if batch % 3 == 0:
                gateway.send_clip(a_clip(f"clip-{batch}"))
    return store


@contextmanager
def compacting(inbox: Path, url: str, options: dict[str, str]) -> Iterator[Compactor]:
    ledger = Ledger(inbox)
    try:
        yield Compactor(ledger, open_destination(url, options))
    finally:
        ledger.close()


def assert_everything_is_there_once(url: str, options: dict[str, str], batches: int = BATCHES) -> None:
    with open_store(url, options) as store:
        assert store.sql("SELECT car FROM fires ORDER BY car").fetchall() == [(car,) for car in range(10 * batches)]
        assert sorted(store.clips()) == sorted(f"clip-{batch}" for batch in range(0, batches, 3))
        assert [store.clip(name) for name in store.clips()] == [a_clip(name) for name in store.clips()]


def test_what_came_in_is_in_the_bucket_and_not_in_the_folder(inbox: Path, url: str, endpoint: str) -> None:
    with compacting(inbox, url, options_for(endpoint)) as compactor:
        assert compactor.drain() == BATCHES + CLIPS
        assert list(compactor._ledger.entries(0, 10)) == []
    assert_everything_is_there_once(url, options_for(endpoint))
    assert {path.name for path in inbox.iterdir()} == {"inbox"}


def test_who_does_not_have_our_code_sees_the_same(inbox: Path, url: str, endpoint: str) -> None:
    with compacting(inbox, url, options_for(endpoint)) as compactor:
        compactor.drain()
    theirs = DeltaTable(f"{url}/tables/fires", storage_options=options_for(endpoint))
    by_pandas = theirs.to_pandas().sort_values("car", ignore_index=True)
    connection = duckdb.connect()
    connection.register("fires", theirs.to_pyarrow_dataset())
    query = "FROM fires ORDER BY car"
    by_duckdb = connection.sql(query).df()
    with open_store(url, options_for(endpoint)) as store:
        ours = store.pandas(query)
        assert len(ours) == 10 * BATCHES
        assert by_duckdb.equals(ours)
        assert by_pandas[ours.columns].astype(str).equals(ours.astype(str))


def test_a_compactor_killed_again_and_again_loses_and_doubles_nothing(inbox: Path, url: str, endpoint: str) -> None:
    assert compactor_deaths(inbox, url, options_for(endpoint), entries=4, calls=150, moment_s=0.02) >= 4
    assert_everything_is_there_once(url, options_for(endpoint))


@pytest.mark.parametrize("lost", ["tables/fires/_delta_log/00000000000000000002.json", "clips/clip-3.mcap"])
def test_a_write_whose_answer_is_lost_is_written_once(inbox: Path, url: str, endpoint: str, lost: str) -> None:
    """The store has it and nobody knows: trying again blindly would double it, giving up would lose it."""
    line = Line(endpoint)
    line.lose = f"{url.removeprefix('s3:/')}/{lost}".encode()
    options = options_for(line.endpoint)
    with compacting(inbox, url, options) as compactor:
        moved = 0
        for _ in range(20):
            try:
                moved += compactor.step(4)
            except NotNow:
                continue
    line.close()
    assert (line.lost, moved) == (1, BATCHES + CLIPS)
    assert_everything_is_there_once(url, options_for(endpoint))


def test_a_store_that_does_not_answer_is_waited_for(inbox: Path, url: str, endpoint: str) -> None:
    line = Line(endpoint)
    with compacting(inbox, url, options_for(line.endpoint)) as compactor:
        assert compactor.step(6) == 6
        line.down = True
        for _ in range(2):
            with pytest.raises(StoreUnreachable, match=f"object store of {url} does not answer"):
                compactor.step(6)
        assert len(list(compactor._ledger.entries(0, 100))) == BATCHES + CLIPS - 6
        line.down = False
        assert compactor.drain() == BATCHES + CLIPS - 6
    line.close()
    assert_everything_is_there_once(url, options_for(endpoint))


def test_two_servers_may_share_a_bucket(tmp_path: Path, url: str, endpoint: str) -> None:
    one, two = filled(tmp_path / "one"), filled(tmp_path / "two", BATCHES)
    options = options_for(endpoint)
    with compacting(one, url, options) as first, compacting(two, url, options) as second:
        while first.step(5) + second.step(5):
            pass
    assert_everything_is_there_once(url, options, 2 * BATCHES)


def test_a_store_in_which_nothing_was_ever_written_says_so(url: str, endpoint: str) -> None:
    with pytest.raises(NotARun, match=url):
        open_store(url, options_for(endpoint))


def test_a_bucket_that_is_not_there_is_one_clear_error(inbox: Path, endpoint: str) -> None:
    options = options_for(endpoint)
    with pytest.raises(StoreRefused, match=r"refuses s3://other/x: there is no such bucket; look at the address"):
        open_store("s3://other/x", options)
    with compacting(inbox, "s3://other/x", options) as compactor, pytest.raises(StoreRefused, match="no such bucket"):
        compactor.step()


def test_wrong_credentials_are_one_clear_error(inbox: Path, url: str) -> None:
    with an_object_store(open_calls=1) as strict:
        with pytest.raises(StoreRefused, match=rf"refuses {url}: .*key.*; look at the address, and at the AWS_"):
            open_store(url, options_for(strict))
        with compacting(inbox, url, options_for(strict)) as compactor, pytest.raises(StoreRefused, match="key"):
            compactor.step()
        destination = open_destination(url, options_for(strict))
        with pytest.raises(StoreRefused, match="look at the address"):
            destination.keep("clips/a.mcap", b"clip")


def test_the_usual_variables_are_enough(inbox: Path, url: str, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in options_for(endpoint).items():
        if name.startswith("aws_") and name != "aws_allow_http":
            monkeypatch.setenv(name.upper(), value)
    with compacting(inbox, url, {}) as compactor:
        compactor.drain()
    assert_everything_is_there_once(url, {})


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("gs://bucket/x", "gs:// is not among them"),
        ("s3:///x", "the bucket is missing"),
        ("s3://bucket/x?y", "it has a ? or #"),
        ("s3://bucket/a b", "letters, digits"),
        ("s3://bucket/a//b", "letters, digits"),
        ("file://host/x", "another machine"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str, why: str) -> None:
    with pytest.raises(BadStoreURL, match=re.escape(why)):
        open_destination(url)


def test_a_folder_has_a_url_too(tmp_path: Path) -> None:
    assert open_destination(f"file://{tmp_path}/a%20b").url == str(tmp_path / "a b")
