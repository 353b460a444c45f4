"""How good a probe is after 10, 30 and 100 positive encounters: precision and recall on unseen worlds, slice by slice.

`python benchmarks/few_positives.py TRAIN.npz TEST.npz FIGURE.svg`; where the first two files are not there, they are
collected (caution lights and their near misses in `all_weather`, seeds 3 and 1000006), which takes a while. Prints one
line of JSON.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.engine.curves import Line, Point, chart
from fleet.engine.sampling import CARS, Sampler
from fleet.engine.seeds import Wanted, embed_moments, find, visible
from scenarios import Draws, open_world
from triggers.estimate import clopper_pearson
from triggers.train.examples import FOLDS, Examples, folds, shuffled
from triggers.train.sorts import calibrated, fitted
from triggers.train.threshold import threshold_for
from vehicle import load_network

SIZES = (10, 30, 100)
BUDGET, SEED = 0.01, 3
KIND, MISSES = "caution_light", ("dark_lamp", "balloon")
Data = Mapping[str, NDArray[Any]]


def collect(file: Path, seed: int, positives: int, negatives: int) -> Data:
    """Embeddings, labels, encounters and slices of moments of a world of this seed; kept in the file."""
    if not file.is_file():
        sampler = Sampler(open_world("all_weather", seed=seed, cars=CARS, compiled=False), CARS, Draws(seed))
        cars, ticks, groups = find(sampler, Wanted(KIND, MISSES, positives, negatives), lambda _found, _wanted: None)
        truth = sampler.world.truth(cars, ticks)
        embeddings = embed_moments(load_network("hydranet-v1"), sampler, cars, ticks)
        moments = {f"m_{name}": np.asarray(values) for name, values in truth.moments().items()}
        np.savez(file, emb=embeddings, groups=groups, shown=visible(truth, (KIND,)), **moments)
    return dict(np.load(file))


def learn(train: Data, size: int) -> Any:
    """A probe of so many positive encounters and all negative ones, its threshold set on two fifths of the latter."""
    every = Examples(train["emb"], train["shown"], train["groups"])
    positive, negative = shuffled(every, SEED)
    some = every.where(np.isin(every.groups, np.concatenate([positive[:size], negative])))
    kept = (folds(some, SEED) < 2) & ~some.positive()
    learnt = some.where(~kept)
    fold = folds(learnt, SEED + 1)
    logits = np.zeros(len(learnt))
    for each in range(FOLDS):
        logits[fold == each] = fitted(learnt.where(fold != each), SEED).logits(learnt.embeddings[fold == each])
    probe = replace(fitted(learnt, SEED), calibration=calibrated(logits, learnt.labels))
    _, highest = some.where(kept).encounters(probe.score(some.where(kept).embeddings))
    threshold, promise = threshold_for(highest, BUDGET, 0.95)
    return replace(probe, threshold=threshold), promise


def judged(test: Data, scores: NDArray[np.float32], threshold: float, rows: NDArray[np.bool_]) -> dict[str, Any]:
    """Recall over positive encounters, precision over encounters that fire, false fires; 95 % intervals each."""
    part = Examples(test["emb"][rows], test["shown"][rows], test["groups"][rows])
    positive, highest = part.encounters(scores[rows])
    fires = highest >= threshold
    right, alerts, wrong = int((fires & positive).sum()), int(fires.sum()), int((fires & ~positive).sum())
    found: dict[str, Any] = {"positives": int(positive.sum()), "negatives": int((~positive).sum())}
    for name, hits, of in (
        ("recall", right, found["positives"]), ("precision", right, alerts), ("false_fires", wrong, found["negatives"])
    ):  # fmt: skip
        interval = clopper_pearson(hits, of)
        found[name] = {"estimate": hits / of if of else None, "low": interval.low, "high": interval.high}
    return found


def slices(test: Data) -> dict[str, NDArray[np.bool_]]:
    """Parts of the world, by name."""
    night, rain = test["m_night"] > 0.5, test["m_rain"] > 0.3
    named = {"everywhere": np.ones(len(night), np.bool_), "day": ~night, "night": night, "rain": rain, "dry": ~rain}
    named |= {"fog or snow": (test["m_fog"] > 0.2) | (test["m_snow"] > 0.2)}
    return named | {road: test["m_road"] == road for road in ("motorway", "urban", "residential")}


def main(train_file: Path, test_file: Path, figure: Path) -> None:
    """Collect, learn, judge, draw."""
    train, test = collect(train_file, SEED, 210, 1200), collect(test_file, SEED + 1_000_003, 350, 2500)
    out: dict[str, Any] = {}
    for size in SIZES:
        probe, promise = learn(train, size)
        scores = probe.score(test["emb"])
        out[str(size)] = {"promise": promise} | {
            name: judged(test, scores, probe.threshold, rows) for name, rows in slices(test).items()
        }
    lines = [
        Line(name, tuple(
            Point(size, row["estimate"] or 0.0, row["low"], row["high"])
            for size in SIZES for row in [out[str(size)]["everywhere"][name]]
        ))
        for name in ("recall", "precision")
    ]  # fmt: skip
    figure.write_text(
        chart(lines, across="positive encounters learnt from", up="share, on unseen worlds", doubling=True), "utf-8"
    )
    print(json.dumps(out))


if __name__ == "__main__":
    main(*(Path(each) for each in sys.argv[1:4]))
