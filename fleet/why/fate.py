"""What became of a fire's clip: from the car's outbox to the server's disk, or where it was given up."""

from dataclasses import dataclass
from typing import Any

from fleet.plan import show_clock
from fleet.report import Run


@dataclass(frozen=True, slots=True)
class Fate:
    """A fire's clip. status: none, recording, refused, kept, or as in the table `uploads`.

    told: the same in a sentence, with times; the rest is None where it has not come to that
    """

    status: str
    told: str
    clip: str | None = None
    merged: bool = False
    partition: str | None = None
    queued_us: int | None = None
    started_us: int | None = None
    finished_us: int | None = None
    bytes: int | None = None
    sent_bytes: int | None = None
    interruptions: int | None = None
    link: str | None = None
    file: str | None = None


def fate_of(run: Run, car: int, trigger: str, tick: int) -> Fate:
    """What became of the clip of a fire, by the tables of the run."""
    clip = run.one("SELECT clip FROM fires WHERE car = ? AND trigger = ? AND tick = ?", car, trigger, tick)
    if clip is None:
        return Fate("none", "the run's tables do not have this fire yet; it had not met a barrier when it ended")
    if not clip:
        return Fate("refused", "the fleet's quota was used up: the barrier after the fire refused the clip")
    merged = clip != f"{car:06}-{tick:07}-{trigger}"
    found = _upload_of(run, clip)
    if found is None:
        told = "it was still being recorded when the run ended, or all of it fell where nothing may be recorded"
        return Fate("recording", told, clip, merged)
    file = run.one("SELECT file FROM clips WHERE clip = ?", clip)
    queued_us, status = found.pop("t_us"), str(found.pop("status"))
    status = "kept" if file and status == "delivered" else status
    told = ("it joined the clip of an earlier fire; " if merged else "") + _told(status, queued_us, found)
    return Fate(status, told, clip, merged, queued_us=queued_us, file=file, **found)


def _upload_of(run: Run, clip: str) -> dict[str, Any] | None:
    """The row of `uploads`; what a run of an older schema does not tell is None."""
    told = run.db.execute("SELECT * FROM uploads WHERE clip = ?", [clip])
    names, row = [name for name, *_ in told.description or ()], told.fetchone()
    return (
        None
        if row is None
        else dict.fromkeys(_COLUMNS) | {name: value for name, value in zip(names, row, strict=True) if name in _COLUMNS}
    )


_COLUMNS = (
    "t_us", "partition", "started_us", "finished_us", "bytes", "sent_bytes", "interruptions", "link", "status"
)  # fmt: skip
_GIVEN_UP = {
    "over_limit": "given up at once: its trigger may not send so many bytes",
    "evicted": "evicted from the full outbox, for the sake of clips that are worth more or newer",
    "expired": "given up unsent: it waited for a link, or behind better clips, for as long as partition '{}' keeps any",
    "over_budget": "given up unsent: partition '{}' had used up its day's megabytes over cellular, and no Wi-Fi came",
}


def _told(status: str, queued_us: int, found: dict[str, Any]) -> str:
    ready = f"ready at {show_clock(queued_us)} ({found['bytes'] / 1e6:.2f} MB)"
    if status in _GIVEN_UP:
        return f"{ready}, and {_GIVEN_UP[status].format(found['partition'])}"
    if found["started_us"] is None:
        return f"{ready}, and it waited for a link, or behind better clips, to the end of the run"
    waited_s = (found["started_us"] - queued_us) / 1e6
    sent = (
        f"{ready}, waited {waited_s:g} s for a link or behind better clips, sent from {show_clock(found['started_us'])}"
    )
    if found["finished_us"] is None:
        part = f", {found['sent_bytes'] / 1e6:.2f} MB of it," if found["sent_bytes"] is not None else ""
        return f"{sent}{part} and was not wholly sent when the run ended"
    broken = f", broken off {found['interruptions']} times" if found["interruptions"] else ""
    done = f"{sent} to {show_clock(found['finished_us'])} over {found['link']}{broken}"
    kept = "acknowledged: the server keeps it" if status == "kept" else "not acknowledged yet"
    return f"{done}; {kept}"
