from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_samples import RUN, a_clip, some_fires

from telemetry import Clip, Gateway, Loopback, TelemetryError, open_run
from telemetry.errors import BadClip, MessageRefused, StoreLocked, UnknownTable


def test_without_a_store_things_are_kept_in_memory() -> None:
    with Loopback(run=RUN) as wire:
        wire.send_clip(a_clip())
        wire.send_rows("fires", "a", some_fires())
        wire.drain()
        wire.flush()
        assert wire.clips == [a_clip()]
        assert wire.rows["fires"][0]["car"].tolist() == [0, 1, 2]
        assert wire.take_acknowledged() == ["7-100-surprise", "a"]
        assert wire.take_acknowledged() == []


def test_with_a_store_a_flush_fills_its_tables(tmp_path: Path) -> None:
    with Loopback(tmp_path, run=RUN) as wire:
        wire.send_clip(a_clip())
        wire.send_rows("fires", "a", some_fires())
        wire.flush()
        assert wire.welcome.store == str(tmp_path)
    assert open_run(tmp_path).sql("SELECT clip, car FROM clips").fetchall() == [("7-100-surprise", 7)]
    assert open_run(tmp_path).sql("SELECT count(*) FROM fires").fetchall() == [(3,)]


@pytest.mark.parametrize("stored", [True, False])
def test_the_same_thing_twice_is_kept_once(tmp_path: Path, stored: bool) -> None:
    with Loopback(tmp_path if stored else None, run=RUN) as wire:
        for _ in range(2):
            wire.send_rows("fires", "a", some_fires())
        assert wire.take_acknowledged() == ["a", "a"]
        with pytest.raises(MessageRefused, match="conflict"):
            wire.send_rows("fires", "a", some_fires(5))


def test_it_checks_what_a_gateway_checks() -> None:
    with Loopback(run=RUN) as wire:
        with pytest.raises(BadClip):
            wire.send_clip(a_clip(poses=[]))
        with pytest.raises(UnknownTable):
            wire.send_rows("fire", "a", {})


def test_it_has_a_gateways_methods() -> None:
    public = {name for name in vars(Gateway) if not name.startswith("_")}
    assert public <= {name for name in vars(Loopback) if not name.startswith("_")}


def test_two_cannot_have_one_store(tmp_path: Path) -> None:
    with Loopback(tmp_path, run=RUN), pytest.raises(StoreLocked) as locked:
        Loopback(tmp_path, run=RUN)
    assert isinstance(locked.value, TelemetryError)


NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=12)
WHOLE = st.integers(-(2**63), 2**63 - 1)
VALUES = st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False, allow_infinity=False)
NAMED = st.dictionaries(
    NAMES | st.sampled_from(["fx", "x_m", "heading_deg", "name", "width"]), VALUES | NAMES, max_size=4
)


@st.composite
def any_clips(draw: st.DrawFn) -> Clip:
    """A clip the door takes, sensible or not."""
    ticks = draw(st.lists(WHOLE, max_size=3, unique=True).map(sorted))
    cameras = draw(st.lists(NAMES, max_size=3, unique=True))
    each = st.lists(VALUES | NAMES | st.lists(VALUES | NAMES, max_size=3), min_size=len(ticks), max_size=len(ticks))
    series = st.dictionaries(NAMES, each, max_size=2)
    row = st.lists(st.binary(max_size=20), min_size=len(cameras), max_size=len(cameras))
    return a_clip(
        draw(NAMES), run=draw(NAMES), car=draw(st.integers(0, 2**32 - 1)), tick=draw(WHOLE),
        t_us=draw(WHOLE), trigger=draw(NAMES), version=draw(st.integers(0, 2**31 - 1)),
        score=draw(st.floats(allow_nan=False, allow_infinity=False)), priority=draw(WHOLE),
        ticks=tuple(ticks), cameras=tuple(cameras), complete=draw(st.booleans()),
        frames=draw(st.lists(row, min_size=len(ticks), max_size=len(ticks))),
        calibration=draw(st.lists(NAMED, min_size=len(cameras), max_size=len(cameras))),
        poses=draw(st.lists(NAMED, min_size=len(ticks), max_size=len(ticks))),
        signals=draw(series), percepts=draw(series), shadows=draw(st.dictionaries(NAMES, series, max_size=2)),
    )  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(clips=st.lists(any_clips(), min_size=1, max_size=4, unique_by=lambda clip: (clip.run, clip.id)))
def test_whatever_the_door_takes_gets_into_the_tables(
    tmp_path_factory: pytest.TempPathFactory, clips: list[Clip]
) -> None:
    store = tmp_path_factory.mktemp("any")
    with Loopback(store, run=RUN) as wire:
        for clip in clips:
            wire.send_clip(clip)
        wire.flush()
    found = open_run(store).sql("SELECT run, clip, sha256 FROM clips").fetchall()
    assert sorted(found) == sorted((clip.run, clip.id, clip.sha256) for clip in clips)
