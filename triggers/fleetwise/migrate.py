"""From a FleetWise campaign to a spec of ours, with the fate of every field that the campaign has."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from triggers.errors import BadExpression, hint
from triggers.expression import Expression
from triggers.fleetwise.campaign import FOREVER_S, Campaign, ConditionBased
from triggers.fleetwise.condition import translate
from triggers.spec import DAY_S, TriggerSpec, check
from triggers.yaml_source import read_yaml

LONGEST_S = 60.0  # before and after a fire, of our clips
MOST_HZ = 10.0
_MEGABYTES = {"MB": 1, "GB": 1000, "TB": 1_000_000}
_HOURS = {"HOURS": 1, "DAYS": 24, "WEEKS": 168}
ALWAYS = "true"


class Fate(StrEnum):
    """What became of a field."""

    SAME = "same"
    NEAR = "near"  # nearly the same; the note says where not
    LOST = "lost"  # no counterpart; the note says what follows
    MOOT = "moot"  # nothing that a trigger does depends on it


@dataclass(frozen=True, slots=True)
class Note:
    """The fate of one field of the campaign; text: into what it went, and what follows."""

    field: str
    fate: Fate
    text: str


@dataclass(frozen=True, slots=True)
class Migration:
    """A campaign as a spec: the trigger, its YAML file with the notes on top, and the notes."""

    spec: TriggerSpec
    yaml: str
    notes: tuple[Note, ...]

    @property
    def lost(self) -> tuple[Note, ...]:
        """What the trigger does not do that the campaign did."""
        return tuple(note for note in self.notes if note.fate is Fate.LOST)


@dataclass(frozen=True, slots=True)
class Car:
    """What a campaign can name on our cars.

    types:   signal → bool, int, float, or str for one with words in VSS and numbers here; units: signal → VSS's unit
    renamed: their names for signals → ours
    """

    types: Mapping[str, type]
    units: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)


def migrate(campaign: Campaign, file: str, car: Car) -> Migration:
    """The campaign's trigger; file: where the campaign was read, for messages and for its name where it has none.

    Raises BadExpression where the condition has no counterpart.
    """
    work = _Work(campaign, file, car)
    said = work.spec()
    notes = (*work.notes, *_moot(campaign))
    text = _as_yaml(said, campaign, notes)
    spec = TriggerSpec.of(read_yaml(text, f"{said['name']}.yaml"), Path())
    try:
        check(spec)
        dtypes = {name: np.dtype(_DTYPES.get(sort, np.float32)) for name, sort in car.types.items()}
        Expression(spec.params["fire_when"]).check(dtypes, car.units)
    except BadExpression as error:
        raise BadExpression(error.text, error.position, f"in our language: {error.problem}", work.where) from None
    return Migration(spec, text, notes)


_DTYPES: dict[type, type[np.generic]] = {bool: np.bool_, int: np.int64, str: np.int64}


class _Work:
    """The parts of one spec, noting what became of each field on the way."""

    def __init__(self, campaign: Campaign, file: str, car: Car) -> None:
        self.campaign, self.file, self.known, self.renamed = campaign, file, car.types, car.renamed
        self.notes: list[Note] = []
        self.where = f"{file}: collectionScheme.conditionBasedCollectionScheme.expression"

    def spec(self) -> dict[str, Any]:
        """The spec as plain values, in the order of a file."""
        campaign = self.campaign
        condition, fire = self._scheme()
        out = {
            "name": self._name(),
            "version": 1,
            "kind": "expression",
            "params": {"fire_when": condition},
            "fire": fire,
            "clip": self._clip(),
            "limits": self._limits(),
            "priority": self._priority(),
        }
        self._signals()
        self._partitions()
        if campaign.signalsToFetch:
            self._lost("signalsToFetch", "no ECU is asked for anything; a signal is there at every look or not at all")
        if campaign.diagnosticsMode == "SEND_ACTIVE_DTCS":
            self._lost("diagnosticsMode", "trouble codes are not simulated, and none is sent")
        if campaign.startTime:
            self._lost("startTime", "the trigger begins when a car takes it up; deploy it then")
        return {name: part for name, part in out.items() if part != {}}

    def _note(self, place: str, fate: Fate, text: str) -> None:
        self.notes.append(Note(place, fate, text))

    def _lost(self, place: str, text: str) -> None:
        self._note(place, Fate.LOST, text)

    def _name(self) -> str:
        theirs = self.campaign.name or Path(self.file).stem
        name = self._lower(theirs)
        if self.campaign.name:
            self._note("name", Fate.SAME if name == theirs else Fate.NEAR, f"name: {name}")
        return name

    @staticmethod
    def _lower(theirs: str) -> str:
        """A name as ours are."""
        name = re.sub(r"[^a-z0-9_]", "_", theirs.lower())
        return (name if name[:1].isalpha() else f"c_{name}")[:64]

    def _scheme(self) -> tuple[str, dict[str, Any]]:
        scheme, place = self.campaign.collectionScheme, "collectionScheme"
        if (timed := scheme.timeBasedCollectionScheme) is not None:
            text = f"fire: {{edge: always, cooldown_s: {timed.periodMs / 1000:g}}}; only while a car drives"
            self._note(f"{place}.timeBasedCollectionScheme.periodMs", Fate.NEAR, text)
            return ALWAYS, {"edge": "always", "cooldown_s": timed.periodMs / 1000}
        assert scheme.conditionBasedCollectionScheme is not None  # noqa: S101 -- one of the two is there
        return self._condition(scheme.conditionBasedCollectionScheme, f"{place}.conditionBasedCollectionScheme")

    def _condition(self, scheme: ConditionBased, place: str) -> tuple[str, dict[str, Any]]:
        translated = translate(scheme.expression, self.known, self.renamed, self.where)
        self._note(
            f"{place}.expression",
            Fate.NEAR if translated.notes else Fate.SAME,
            "; ".join(["params.fire_when", *translated.notes]),
        )
        rising = scheme.triggerMode == "RISING_EDGE"
        if rising:
            text = "fire.edge: rising; an edge within the minimum interval is lost here and came late there"
            self._note(f"{place}.triggerMode", Fate.NEAR if scheme.minimumTriggerIntervalMs else Fate.SAME, text)
        else:
            self._note(f"{place}.triggerMode", Fate.SAME, "fire.edge: always, which is FleetWise's default")
        interval_s = (scheme.minimumTriggerIntervalMs or 0) / 1000
        if interval_s > DAY_S:
            self._lost(f"{place}.minimumTriggerIntervalMs", f"a cooldown ends after a day, {DAY_S} s, at the latest")
        elif scheme.minimumTriggerIntervalMs is not None:
            self._note(f"{place}.minimumTriggerIntervalMs", Fate.SAME, f"fire.cooldown_s: {interval_s:g}")
        return translated.text, {"edge": "rising" if rising else "always", "cooldown_s": min(interval_s, float(DAY_S))}

    def _clip(self) -> dict[str, Any]:
        campaign = self.campaign
        after_s = (campaign.postTriggerCollectionDuration or 0) / 1000
        if after_s > LONGEST_S:
            text = f"clip.after_s: {LONGEST_S:g}, our longest; the other {after_s - LONGEST_S:g} s are not recorded"
            self._lost("postTriggerCollectionDuration", text)
        elif campaign.postTriggerCollectionDuration is not None:
            self._note("postTriggerCollectionDuration", Fate.SAME, f"clip.after_s: {after_s:g}")
        periods_s = [
            each.minimumSamplingIntervalMs / 1000
            for each in campaign.signalsToCollect
            if each.minimumSamplingIntervalMs
        ]
        history_s = self._history_s()
        clip = {
            "before_s": min(max(history_s - after_s, 0.0), LONGEST_S),
            "after_s": min(after_s, LONGEST_S),
            "cameras": ["main"],
            "hz": min(1 / min(periods_s), MOST_HZ) if periods_s else 1.0,
        }
        if periods_s:
            fate = Fate.NEAR if len(set(periods_s)) == 1 and min(periods_s) * MOST_HZ >= 1 else Fate.LOST
            text = f"clip.hz: {clip['hz']:g}, one rate for all signals, at most {MOST_HZ:g}"
            self._note("signalsToCollect.minimumSamplingIntervalMs", fate, text)
        return clip

    def _history_s(self) -> float:
        """How far back the rings of the edge agent reach at best: so many samples, so far apart."""
        rings = [each for each in self.campaign.signalsToCollect if each.maxSampleCount is not None]
        reach_s = [
            each.maxSampleCount * each.minimumSamplingIntervalMs / 1000
            for each in rings
            if each.maxSampleCount and each.minimumSamplingIntervalMs
        ]
        if rings:
            text = "clip.before_s, where a minimum sampling interval says how far apart samples are; else 0"
            self._note("signalsToCollect.maxSampleCount", Fate.NEAR if reach_s else Fate.LOST, text)
        return max(reach_s, default=0.0)

    def _limits(self) -> dict[str, Any]:
        until_s = self.campaign.expiryTime
        if until_s is None or until_s >= FOREVER_S:
            return {}
        moment = dt.datetime.fromtimestamp(until_s, dt.UTC) - dt.timedelta(microseconds=until_s > 0)
        whole = until_s % DAY_S == 0
        text = f"limits.expires: {moment.date()}, a last day" + ("" if whole else "; so it ends up to a day later")
        self._note("expiryTime", Fate.SAME if whole else Fate.NEAR, text)
        return {"expires": moment.date()}

    def _priority(self) -> int:
        theirs = self.campaign.priority or 0
        if self.campaign.priority is not None:
            text = f"priority: {100 - min(theirs, 100)}: there the lowest comes first, here the highest"
            self._note(
                "priority",
                Fate.SAME if theirs <= 100 else Fate.LOST,
                text + ("" if theirs <= 100 else "; all beyond 100 are alike"),
            )
        return 100 - min(theirs, 100)

    def _signals(self) -> None:
        """Clips have every signal that we know, so naming them asks for nothing; one that we do not know is missed."""
        named = [self.renamed.get(each.name, each.name) for each in self.campaign.signalsToCollect]
        missing = [name for name in named if not any(re.fullmatch(_pattern(name), each) for each in self.known)]
        for name in missing[:20]:
            self._lost("signalsToCollect.name", f"no signal of ours is called '{name}'{hint(name, self.known)}")
        if len(missing) > 20:
            self._lost("signalsToCollect.name", f"and {len(missing) - 20} more that are none of ours")
        if len(named) > len(missing):
            ours = f"{len(named) - len(missing)} of {len(named)} are ours"
            text = f"{ours}; a clip has every signal, and pictures of `clip.cameras`"
            self._note("signalsToCollect.name", Fate.NEAR, text)

    def _partitions(self) -> None:
        for each in self.campaign.dataPartitions or ():
            name, storage = f"dataPartitions[{each.id}]", each.storageOptions
            mb = storage.maximumSize.value * _MEGABYTES[storage.maximumSize.unit]
            hours = storage.minimumTimeToLive.value * _HOURS[storage.minimumTimeToLive.unit]
            said = f"{{name: {self._lower(each.id)}, mb: {mb}, ttl: {hours}h}}"
            text = f"write it into the plan, outbox: {{partitions: [{said}]}}, and its name into clip.partition"
            self._note(f"{name}.storageOptions", Fate.NEAR, text)
            if each.uploadOptions:
                text = (
                    "a partition is sent over any link, over Wi-Fi or within a budget over cellular, as the plan says"
                )
                self._lost(f"{name}.uploadOptions.expression", text)


def _moot(campaign: Campaign) -> Iterator[Note]:
    """Fields that the edge, the cloud or the account needs, and no trigger."""
    for name in campaign.given:
        if name in _MOOT:
            yield Note(name, Fate.MOOT, _MOOT[name])


_MOOT = {
    "description": "on top of the file",
    "signalCatalogArn": "signals are VSS 6.0 paths",
    "targetArn": "which cars take the trigger is said when it is deployed",
    "spoolingMode": "a clip is always kept until the server has acknowledged it",
    "compression": "pictures are JPEG; rows are columns",
    "dataExtraDimensions": "join the table `vehicles`",
    "tags": "write a comment",
    "dataDestinationConfigs": "the collection server's store",
    "arn": "the account's",
    "status": "said when it is deployed",
    "creationTime": "the account's",
    "lastModificationTime": "the account's",
}


def _pattern(name: str) -> str:
    return re.escape(name).replace(r"\*", ".*")


def _as_yaml(said: Mapping[str, Any], campaign: Campaign, notes: tuple[Note, ...]) -> str:
    head = [f"From the FleetWise campaign {campaign.name or ''}".rstrip() + "."]
    head += [campaign.description] if campaign.description else []
    head += [f"{note.fate}: {note.field}: {note.text}" for note in notes if note.fate in (Fate.NEAR, Fate.LOST)]
    comments = "".join(f"# {_one_line(line)}\n" for line in head)
    return comments + yaml.safe_dump(dict(said), sort_keys=False, allow_unicode=True, width=10_000)


def _one_line(text: str) -> str:
    """A comment ends at any line break, so none may come from outside."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:500]
