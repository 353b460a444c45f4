"""From what came out on the proving ground to its page, and to plain data."""

from typing import Any

import numpy as np
from markupsafe import Markup

from fleet.proving.ground import SITUATIONS, Proof
from fleet.proving.passages import CARS
from fleet.proving.prove import Course, Proven
from fleet.report.preview import Pixels
from fleet.report.proving import ProvenRule, ProvingPage, Try
from scenarios import Rig, open_world
from triggers import TriggerSpec, estimate

SCALE = 4  # pixels painted for people, a side, against those for networks
CAMERA = {"main_not_narrow": "main", "camera_blinded": "main"}
WIDE, HIGH = 320, 60


def page_of(proven: Proven, specs: dict[str, TriggerSpec], texts: dict[str, str]) -> ProvingPage:
    """Everything that the page shows; specs and texts (their YAML) by the name of the rule."""
    rules = [_rule(proven, name, proof, texts[name]) for name, proof in proven.proofs.items() if name in specs]
    of = max((len(course) for course in proven.courses.values()), default=0)
    every = SITUATIONS["anything"].every_s
    return ProvingPage(proven.network, proven.seed, of, every, rules)


def told(proven: Proven) -> dict[str, Any]:
    """The same as plain data, for `--json`."""
    rules = {}
    for name, proof in proven.proofs.items():
        rules[name] = {
            "published": proof.published,
            "fires_on": {each: _share(proven, name, each) for each in proof.fires_on},
            "silent_on": {each: _share(proven, name, each) for each in proof.silent_on},
            "elsewhere": {each: _share(proven, name, each) for each in proven.courses if each not in _asked(proof)},
        }
    return {"network": proven.network, "seed": proven.seed, "rules": rules}


def _asked(proof: Proof) -> tuple[str, ...]:
    return (*proof.fires_on, *proof.silent_on)


def _share(proven: Proven, rule: str, situation: str) -> dict[str, float]:
    fired, of = proven.share(rule, situation)
    interval = estimate.clopper_pearson(fired, of)
    return {"fired": fired, "of": of, "low": interval.low, "high": interval.high}


def _rule(proven: Proven, name: str, proof: Proof, text: str) -> ProvenRule:
    asked = [(each, True) for each in proof.fires_on] + [(each, False) for each in proof.silent_on]
    elsewhere = [
        (situation, course.count(name), len(course))
        for situation, course in proven.courses.items()
        if situation not in dict(asked) and course.count(name)
    ]
    tries = tuple(_try(proven, name, situation, must=must) for situation, must in asked)
    return ProvenRule(name, proof.published, text, tries, tuple(elsewhere))


def _try(proven: Proven, name: str, situation: str, *, must: bool) -> Try:
    course, share = proven.courses[situation], _share(proven, name, situation)
    says = SITUATIONS[situation].says
    counts: dict[str, Any] = {**share, "fired": int(share["fired"]), "of": int(share["of"])}
    if not len(course):
        return Try(situation, says, must, picture=None, caption="nothing met", trace=Markup(), **counts)
    row, at = _telling(course, name)
    fired = course.fired[row, at, course.rules.index(name)]
    caption = f"car {course.passages.cars[row]}, {course.seconds[at]:+.1f} s" + (", fires" if fired else "")
    picture = _picture(course, row, at, CAMERA.get(name, "main"))
    return Try(situation, says, must, picture=picture, caption=caption, trace=_trace(course, name, row), **counts)


def _telling(course: Course, name: str) -> tuple[int, int]:
    """A passage and a look of it: where it fires first, else where its score is highest, else the beginning."""
    k = course.rules.index(name)
    fires = np.argwhere(course.fired[:, :, k])
    if len(fires):
        return int(fires[0][0]), int(fires[0][1])
    scores = np.nan_to_num(course.scores[:, :, k], nan=-np.inf)
    after = course.seconds >= 0
    if not np.isfinite(scores[:, after]).any():
        return 0, int(np.flatnonzero(after)[0])
    row, at = np.unravel_index(np.argmax(np.where(after, scores, -np.inf)), scores.shape)
    return int(row), int(at)


def _picture(course: Course, row: int, at: int, camera: str) -> Pixels:
    """What one camera saw at that look, painted finely."""
    passages = course.passages
    eye = next(each for each in passages.world.rig.cameras if each.name == camera)
    situation = passages.situation
    world = open_world(
        situation.world, seed=proven_seed(passages), cars=CARS, rig=Rig((eye,)).resized(SCALE), chunk=1, compiled=False,
        **situation.fields,
    )  # fmt: skip
    frames = world.frames(passages.cars[row : row + 1], course.ticks[row, at : at + 1])
    return np.ascontiguousarray(frames.pixels[0, 0].permute(1, 2, 0).numpy())


def proven_seed(passages: Any) -> int:
    """The seed of the world that passages are of."""
    return int(passages.world.seed)


def _trace(course: Course, name: str, row: int) -> Markup:
    """Scores over the seconds as an SVG, scaled to their own range, a mark at each fire."""
    k = course.rules.index(name)
    scores, seconds = course.scores[row, :, k].astype(np.float64), course.seconds
    known = np.isfinite(scores)
    low, high = (float(scores[known].min()), float(scores[known].max())) if known.any() else (0.0, 1.0)
    x = 4 + (seconds - seconds[0]) / (seconds[-1] - seconds[0]) * (WIDE - 8)
    y = HIGH - 12 - (np.nan_to_num(scores, nan=low) - low) / max(high - low, 1e-9) * (HIGH - 22)
    parts: list[list[str]] = []
    run: list[str] = []
    for i in range(len(seconds)):
        if known[i]:
            run.append(f"{x[i]:.1f},{y[i]:.1f}")
        elif run:
            parts, run = [*parts, run], []
    lines = "".join(
        f'<polyline points="{" ".join(each)}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        for each in [*parts, run]
        if each
    )
    fires = "".join(
        f'<line x1="{x[i]:.1f}" x2="{x[i]:.1f}" y1="4" y2="{HIGH - 12}" stroke="#d1570b" stroke-width="2"/>'
        for i in np.flatnonzero(course.fired[row, :, k])
    )
    start = 4 - seconds[0] / (seconds[-1] - seconds[0]) * (WIDE - 8)
    axis = (
        f'<line x1="{start:.1f}" x2="{start:.1f}" y1="4" y2="{HIGH - 12}" stroke="#888" stroke-dasharray="3 3"/>'
        f'<text x="{start:.1f}" y="{HIGH - 2}" font-size="9" fill="#888">it begins</text>'
        f'<text x="{WIDE - 4}" y="{HIGH - 2}" font-size="9" fill="#888" text-anchor="end">{low:.3g} … {high:.3g}</text>'
    )
    drawn = f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="scores over time">{axis}{fires}{lines}</svg>'
    return Markup(drawn)  # noqa: S704 -- numbers only
