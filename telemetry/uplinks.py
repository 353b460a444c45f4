"""How much a car can upload: an uplink is a function from links and a span of time to bytes.

`uplink(links, start_us, end_us) -> (n,) float64`: the bytes each car can send in [start, end) while its link is what
`links` says. Every uplink gives a car without a link nothing, never less than nothing, treats each car apart, and is
exactly additive: over any split of a span the parts add up to the whole. Options of an uplink are keyword arguments
behind these three; one called `seed` is the run's.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from telemetry.errors import UnknownUplink, WrongOption, did_you_mean
from telemetry.spread import spread
from telemetry.traces import PACKET_BYTES, read_trace

Uplink = Callable[["Links", int, int], np.ndarray]
"""(links, start_us, end_us) -> (n,) float64 bytes."""

_RATE, _FILE, _OFFSET = range(3)  # properties of a car, for `spread`


class Link(IntEnum):
    """What connects a car."""

    NONE = 0
    CELLULAR = 1
    WIFI = 2


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """What connects n cars.

    cars: (n,) uint32
    state: (n,) uint8, a Link each
    """

    cars: np.ndarray
    state: np.ndarray


def open_uplink(spec: Mapping[str, Any], seed: int) -> Uplink:
    """The uplink of a plan, ready to be asked.

    Args:
        spec: `kind`, a name in `UPLINKS`, and that uplink's options
        seed: the run's

    Raises:
        UnknownUplink: no such kind
        WrongOption: an option it does not have, lacks, or cannot use
        MalformedTrace: a file of a measured link cannot be used
    """
    options = dict(spec)
    kind = str(options.pop("kind", ""))
    if kind not in UPLINKS:
        raise UnknownUplink(kind, UPLINKS)
    known = {p.name: p for p in inspect.signature(UPLINKS[kind]).parameters.values() if p.kind is p.KEYWORD_ONLY}
    asked = known.keys() - {"seed"}
    for name in options:
        if name not in asked:
            raise WrongOption(kind, name, f"no such option{did_you_mean(name, asked) if asked else ''}")
    for name in asked - options.keys():
        if known[name].default is inspect.Parameter.empty:
            raise WrongOption(kind, name, "must be given")
    uplink = partial(UPLINKS[kind], **options, **({"seed": seed} if "seed" in known else {}))
    nobody = Links(np.zeros(0, np.uint32), np.zeros(0, np.uint8))
    uplink(nobody, 0, 1)  # so that what is wrong with the options is said before anything starts
    return uplink


def none(links: Links, _start_us: int, _end_us: int) -> np.ndarray:
    """No uplink at all: nothing ever leaves a car."""
    return np.zeros(len(links.cars))


def wifi_only(links: Links, start_us: int, end_us: int, *, wifi_mbps: float = 20.0) -> np.ndarray:
    """No cellular plan: clips wait for the garage."""
    return _wifi("wifi_only", links, wifi_mbps, start_us, end_us)


def lte(
    links: Links, start_us: int, end_us: int, *, seed: int, mbps: float = 5.0, wifi_mbps: float = 20.0
) -> np.ndarray:
    """A steady cellular link, another for each car: from half to one and a half times `mbps`."""
    part = (spread(seed, _RATE, links.cars) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    cellular = _steady(_positive("lte", "mbps", mbps) * (0.5 + part), start_us, end_us)
    wifi = _wifi("lte", links, wifi_mbps, start_us, end_us)
    return np.where(links.state == Link.CELLULAR, cellular, wifi)


def trace(
    links: Links,
    start_us: int,
    end_us: int,
    *,
    seed: int,
    files: Sequence[str | Path],
    scale: float = 1.0,
    wifi_mbps: float = 20.0,
) -> np.ndarray:
    """A measured cellular link: each car follows one of the files, from its own point on, round and round.

    Which file and which point depends on the seed and the car alone. `scale` multiplies the bytes and leaves the shape
    and the outages. The format is that of `telemetry.traces.Trace`.
    """
    scale = _positive("trace", "scale", scale)
    if isinstance(files, str | bytes) or not files:
        raise WrongOption("trace", "files", "must be a list of at least one file")
    cellular = np.zeros(len(links.cars))
    chosen = spread(seed, _FILE, links.cars) % np.uint64(len(files))
    for index, file in enumerate(files):
        recording, mine = read_trace(Path(file)), chosen == index
        offset_us = (spread(seed, _OFFSET, links.cars[mine]) % np.uint64(recording.period_us)).astype(np.int64)
        until, before = (recording.packets_before(offset_us + at_us) for at_us in (end_us, start_us))
        cellular[mine] = np.floor(until * (PACKET_BYTES * scale)) - np.floor(before * (PACKET_BYTES * scale))
    wifi = _wifi("trace", links, wifi_mbps, start_us, end_us)
    return np.where(links.state == Link.CELLULAR, cellular, wifi)


UPLINKS: dict[str, Callable[..., np.ndarray]] = {"lte": lte, "wifi_only": wifi_only, "none": none, "trace": trace}


def _wifi(kind: str, links: Links, mbps: float, start_us: int, end_us: int) -> np.ndarray:
    sent = _steady(np.full(len(links.cars), _positive(kind, "wifi_mbps", mbps)), start_us, end_us)
    return np.where(links.state == Link.WIFI, sent, 0.0)


def _steady(mbps: np.ndarray, start_us: int, end_us: int) -> np.ndarray:
    """Bytes at a steady rate, counted from time 0 in whole bytes, so that parts add up exactly."""
    bytes_per_s = (mbps * 125_000).astype(np.int64)
    sent: np.ndarray = (bytes_per_s * end_us // 1_000_000 - bytes_per_s * start_us // 1_000_000).astype(np.float64)
    return sent


def _positive(kind: str, option: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise WrongOption(kind, option, f"must be a number above 0, not {value!r}")
    return float(value)
