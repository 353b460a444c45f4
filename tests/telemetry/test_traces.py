import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.errors import MalformedTrace
from telemetry.traces import PACKET_BYTES, Trace, read_trace
from telemetry.uplinks import Link, Links, open_uplink

DATA = Path(os.environ.get("OUTRIDER_DATA", Path(__file__).parents[3] / "shared" / "data")) / "uplink_mahimahi_gpl"
FILES = sorted(DATA.glob("*.up"))
CARS = Links(np.arange(50, dtype=np.uint32), np.full(50, Link.CELLULAR, np.uint8))

needs_traces = pytest.mark.skipif(not FILES, reason="the measured traces are not there")


def written(folder: Path, text: str) -> Path:
    file = folder / "a.up"
    file.write_text(text)
    return file


def at(trace: Trace, *times_us: int) -> list[int]:
    counted: list[int] = trace.packets_before(np.array(times_us, np.int64)).tolist()
    return counted


def test_an_opportunity_counts_from_its_millisecond_on(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path, "0\n3\n3\n10\n"))
    assert at(trace, 0, 1, 3_000, 3_001, 9_999) == [0, 2, 2, 4, 4]


def test_the_last_timestamp_is_where_the_next_round_begins(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path, "3\n10\n"))
    assert (trace.period_us, at(trace, 10_000, 10_001, 13_001, 20_001)) == (10_000, [2, 3, 4, 5])


def test_a_file_of_one_line_is_a_steady_link(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path, "1\n"))
    assert at(trace, *(1000 * ms for ms in (1, 7, 1000))) == [1, 7, 1000]


@needs_traces
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_whole_period_of_a_measured_trace_has_its_packets_wherever_it_begins(file: Path) -> None:
    trace, packets = read_trace(file), len(file.read_text().split())
    starts = np.arange(200, dtype=np.int64) * 977_777_777
    assert set(trace.packets_before(starts + trace.period_us) - trace.packets_before(starts)) == {packets}


@needs_traces
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_car_gets_the_bytes_of_a_measured_trace_in_a_period(file: Path) -> None:
    uplink, period_us = open_uplink({"kind": "trace", "files": [file]}, 7), read_trace(file).period_us
    expected = PACKET_BYTES * len(file.read_text().split())
    assert set(uplink(CARS, 12_345_678, 12_345_678 + 3 * period_us)) == {3 * expected}


@needs_traces
@settings(deadline=None)
@given(st.lists(st.integers(0, 90_000_000_000), min_size=2, max_size=6), st.sampled_from([1.0, 0.1, 7.3]))
def test_parts_of_a_span_add_up_exactly(times_us: list[int], scale: float) -> None:
    uplink = open_uplink({"kind": "trace", "files": FILES, "scale": scale}, 3)
    edges = sorted(times_us)
    parts = [uplink(CARS, start, end) for start, end in pairwise(edges)]
    assert np.array_equal(np.sum(parts, axis=0), uplink(CARS, edges[0], edges[-1]))


def test_cars_begin_at_points_of_their_own_in_files_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "fast.up").write_text("\n".join(map(str, range(1, 1001))))
    (tmp_path / "slow.up").write_text("500\n1000\n")
    uplink = open_uplink({"kind": "trace", "files": [tmp_path / "fast.up", tmp_path / "slow.up"]}, 1)
    per_second = uplink(CARS, 0, 1_000_000) / PACKET_BYTES
    assert set(per_second) == {2.0, 1000.0}
    assert len(set(uplink(CARS, 0, 250_000))) > 2


def test_scale_multiplies_bytes(tmp_path: Path) -> None:
    file = written(tmp_path, "1\n2\n5\n")
    plain, scaled = (open_uplink({"kind": "trace", "files": [file], "scale": scale}, 1) for scale in (1.0, 20.0))
    assert np.array_equal(20 * plain(CARS, 0, 123_456), scaled(CARS, 0, 123_456))


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "empty"),
        ("1\ntwo\n", 2, "'two' is no whole number"),
        ("1\n\n3\n", 2, "an empty line"),
        ("1\n2.5\n", 2, "whole number"),
        ("-1\n2\n", 1, "whole number"),
        ("1\n9999999999999\n", 2, "whole number"),
        ("5\n7\n6\n", 3, "6 ms after 7 ms"),
        ("0\n0\n", 2, "after millisecond 0"),
    ],
)
def test_a_line_that_is_no_opportunity_is_named(tmp_path: Path, text: str, line: int, says: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(MalformedTrace, match=says) as caught:
        open_uplink({"kind": "trace", "files": [file]}, 1)
    assert str(caught.value).startswith(f"{file}:{line}: ")


def test_a_trace_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MalformedTrace, match=r"gone\.up: No such file"):
        read_trace(tmp_path / "gone.up")


def test_a_trace_that_was_changed_is_read_again(tmp_path: Path) -> None:
    assert read_trace(written(tmp_path, "1\n")).period_us == 1000
    assert read_trace(written(tmp_path, "1\n2\n")).period_us == 2000
