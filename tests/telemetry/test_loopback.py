from pathlib import Path

import pytest
from wire_samples import RUN, a_clip, some_fires

from telemetry import Gateway, Loopback, TelemetryError, open_run
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
