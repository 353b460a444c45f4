from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.errors import UnknownUplink, WrongOption
from telemetry.uplinks import UPLINKS, Link, Links, Uplink, open_uplink

CARS = np.arange(300, dtype=np.uint32)
STATES = (CARS % 3).astype(np.uint8)
LINKS = Links(CARS, STATES)
SECOND = 1_000_000


@pytest.fixture(params=sorted(UPLINKS), name="uplink")
def any_uplink(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Uplink:
    return opened(request.param, tmp_path_factory.mktemp("traces"))


def opened(kind: str, folder: Path) -> Uplink:
    spec: dict[str, Any] = {"kind": kind}
    if kind == "trace":
        (folder / "a.up").write_text("3\n8\n8\n21\n")
        spec["files"] = [str(folder / "a.up")]
    return open_uplink(spec, 5)


def test_a_car_without_a_link_sends_nothing(uplink: Uplink) -> None:
    assert not uplink(LINKS, 0, 3600 * SECOND)[STATES == Link.NONE].any()


def test_bytes_are_never_negative_and_one_number_a_car(uplink: Uplink) -> None:
    sent = uplink(LINKS, 7 * SECOND, 8 * SECOND)
    assert (sent.shape, sent.dtype, sent.min() >= 0) == (CARS.shape, np.float64, True)


def test_a_car_sends_the_same_in_any_company(uplink: Uplink) -> None:
    some = np.array([250, 3, 77])
    alone = uplink(Links(CARS[some], STATES[some]), 5, 10 * SECOND)
    assert np.array_equal(alone, uplink(LINKS, 5, 10 * SECOND)[some])


def test_an_empty_span_and_an_empty_fleet_send_nothing(uplink: Uplink) -> None:
    nobody = Links(np.zeros(0, np.uint32), np.zeros(0, np.uint8))
    assert not uplink(LINKS, 9, 9).any()
    assert uplink(nobody, 0, SECOND).shape == (0,)


@pytest.fixture(scope="module")
def all_uplinks(tmp_path_factory: pytest.TempPathFactory) -> list[Uplink]:
    return [opened(kind, tmp_path_factory.mktemp("traces")) for kind in sorted(UPLINKS)]


@settings(deadline=None)
@given(times_us=st.lists(st.integers(0, 200 * 3600 * SECOND), min_size=3, max_size=5))
def test_parts_of_a_span_add_up_exactly(all_uplinks: list[Uplink], times_us: list[int]) -> None:
    edges = sorted(times_us)
    for uplink in all_uplinks:
        parts = [uplink(LINKS, start, end) for start, end in pairwise(edges)]
        assert np.array_equal(np.sum(parts, axis=0), uplink(LINKS, edges[0], edges[-1]))


def test_lte_is_near_its_rate_and_another_for_each_car() -> None:
    mbps = open_uplink({"kind": "lte"}, 5)(LINKS, 0, SECOND)[STATES == Link.CELLULAR] * 8e-6
    assert (len(set(mbps)), mbps.min() >= 2.5, mbps.max() <= 7.5) == (100, True, True)
    assert mbps.mean() == pytest.approx(5, rel=0.1)


def test_lte_depends_on_the_seed_and_nothing_else() -> None:
    one, again, other = (open_uplink({"kind": "lte"}, seed)(LINKS, 0, SECOND) for seed in (5, 5, 6))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_wifi_only_waits_for_the_garage() -> None:
    sent = open_uplink({"kind": "wifi_only", "wifi_mbps": 8}, 5)(LINKS, 0, SECOND)
    by_link = [set(sent[link == STATES]) for link in Link]
    assert by_link == [{0.0}, {0.0}, {1e6}]


def test_a_users_uplink_is_a_function_and_gets_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    def home_only(links: Links, start_us: int, end_us: int, *, rate: int = 2) -> np.ndarray:
        return np.where(links.state == Link.WIFI, float(rate * (end_us - start_us)), 0.0)

    monkeypatch.setitem(UPLINKS, "home_only", home_only)
    assert open_uplink({"kind": "home_only", "rate": 3}, 1)(LINKS, 0, 10).max() == 30


def test_an_unknown_uplink_gets_a_hint() -> None:
    with pytest.raises(UnknownUplink, match="unknown uplink 'let'; did you mean 'lte'"):
        open_uplink({"kind": "let"}, 1)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"kind": "lte", "mbsp": 3}, "'mbsp': no such option; did you mean 'mbps'"),
        ({"kind": "lte", "seed": 3}, "'seed': no such option"),
        ({"kind": "none", "mbps": 3}, "'mbps': no such option"),
        ({"kind": "lte", "mbps": 0}, "above 0, not 0"),
        ({"kind": "lte", "mbps": "fast"}, "not 'fast'"),
        ({"kind": "lte", "wifi_mbps": float("nan")}, "above 0"),
        ({"kind": "trace"}, "'files': must be given"),
        ({"kind": "trace", "files": []}, "at least one file"),
        ({"kind": "trace", "files": "a.up"}, "must be a list"),
        ({"kind": "trace", "files": ["a.up"], "scale": -1}, "'scale'"),
    ],
)
def test_what_is_wrong_with_an_option_is_said_before_anything_starts(spec: dict[str, Any], says: str) -> None:
    with pytest.raises(WrongOption, match=says):
        open_uplink(spec, 1)
