import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry import KeyFile, Keys
from telemetry.errors import BadCars, BadKeys, NameTaken, UnknownKeyName
from telemetry.quota import DAY_S, Quota


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.made(tmp_path / "keys")


def test_a_folder_of_keys_is_for_its_owner_alone(keys: Keys, tmp_path: Path) -> None:
    keys.enrol("car-7", "7").write(tmp_path / "car-7.key")
    made = [tmp_path / "keys", *(tmp_path / "keys").iterdir(), tmp_path / "car-7.key"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in made)


def test_a_key_speaks_for_its_cars_and_no_others(keys: Keys) -> None:
    holder = keys.holder(keys.enrol("garage", "0-9,20").public)
    assert holder
    assert holder.speaks_for(np.array([0, 9, 20], np.uint32))
    assert not holder.speaks_for(np.array([9, 10], np.uint32))
    assert not holder.speaks_for(None)
    assert holder.fleet == 11


def test_a_key_for_all_speaks_also_for_what_is_no_cars(keys: Keys) -> None:
    holder = keys.holder(keys.enrol("simulator", "all").public)
    assert holder
    assert holder.speaks_for(None)
    assert holder.fleet is None


def test_what_one_process_enrols_another_learns_of(keys: Keys, tmp_path: Path) -> None:
    server = Keys.found(tmp_path / "keys")
    key = keys.enrol("car-7", "7")
    assert server.holder(key.public) is None
    assert server.refresh()
    assert server.holder(key.public)
    keys.revoke("car-7")
    assert server.refresh()
    assert server.holder(key.public) is None
    assert not server.refresh()


def test_a_rotated_key_keeps_its_cars_and_leaves_the_old_one_revoked(keys: Keys) -> None:
    old = keys.enrol("car-7", "7-8")
    new = keys.rotate("car-7")
    assert keys.holder(old.public) is None
    assert [holder.said_cars for holder in keys.holders] == ["7-8", "7-8"]
    assert keys.holder(new.public)


def test_a_name_is_given_once_until_it_is_revoked(keys: Keys) -> None:
    keys.enrol("car-7", "7")
    with pytest.raises(NameTaken, match="`rotate` gives it another"):
        keys.enrol("car-7", "8")
    keys.revoke("car-7")
    keys.enrol("car-7", "8")


def test_a_typo_in_a_name_gets_a_hint(keys: Keys) -> None:
    keys.enrol("garage", "all")
    with pytest.raises(UnknownKeyName, match="did you mean 'garage'"):
        keys.revoke("garrage")


@pytest.mark.parametrize("text", ["", "a", "3-1", "1,", "-4", "0-4294967296", "1 - 2", "all,3"])
def test_what_names_no_cars_is_an_error(keys: Keys, text: str) -> None:
    with pytest.raises(BadCars, match="it looks like"):
        keys.enrol("car", text)


@pytest.mark.parametrize("name", ["", "../up", "a b", "x" * 65, "-rf"])
def test_what_is_no_name_is_an_error(keys: Keys, name: str) -> None:
    with pytest.raises(BadKeys, match="a name is letters"):
        keys.enrol(name, "7")


def test_a_servers_own_key_is_no_car_sides(keys: Keys, tmp_path: Path) -> None:
    assert keys.holders == []
    with pytest.raises(BadKeys, match="a server's own key"):
        KeyFile.read(tmp_path / "keys/server.key")


def test_a_second_server_key_is_refused(keys: Keys, tmp_path: Path) -> None:
    assert keys.holders == []
    with pytest.raises(BadKeys, match="its cars trust that one"):
        Keys.made(tmp_path / "keys")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": "outrider-register-1", "holders": [1]}', "\xff"])
def test_a_damaged_register_says_which_file_it_is(keys: Keys, tmp_path: Path, text: str) -> None:
    assert keys.holders == []
    (tmp_path / "keys/register.json").write_text(text)
    with pytest.raises(BadKeys, match=r"register\.json"):
        Keys.found(tmp_path / "keys")


def test_a_key_file_is_never_overwritten(keys: Keys, tmp_path: Path) -> None:
    key = keys.enrol("car-7", "7")
    key.write(tmp_path / "car-7.key")
    with pytest.raises(BadKeys, match="not overwritten"):
        key.write(tmp_path / "car-7.key")
    assert json.loads((tmp_path / "car-7.key").read_text())["name"] == "car-7"
    assert KeyFile.read(tmp_path / "car-7.key") == key


@given(st.lists(st.tuples(st.integers(1, 5_000), st.floats(0, 4_000)), min_size=1, max_size=60))
def test_over_any_time_no_more_gets_through_than_the_quota_and_its_last_message(sent: list[tuple[int, float]]) -> None:
    quota, now_s, through = Quota(car_bytes=1_000), 0.0, 0
    for nbytes, pause_s in sent:
        now_s += pause_s
        if not quota.charge("key", 10, nbytes, now_s):
            through += nbytes
    assert through <= 10_000 + 10_000 * now_s / DAY_S + 5_000


def test_a_quota_is_there_again_after_the_time_it_says() -> None:
    quota = Quota(fleet_bytes=1_000)
    assert quota.charge("a", None, 1_500, 0.0) == 0
    wait_s = quota.charge("b", None, 0, 1.0)
    assert wait_s > 0
    assert quota.charge("b", None, 0, 1.0 + wait_s + 1e-3) == 0
