"""What another network does to a trigger's probe: the same labelled moments through both, side by side."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.engine.sampling import CARS, Sampler
from fleet.engine.seeds import Seeds, Wanted, from_world
from fleet.engine.trigger_training import columns_of
from scenarios import Draws, open_world
from triggers import KINDS, fit_probe, load_spec
from vehicle import load_network

Progress = Callable[[int, int], None]
Floats = NDArray[np.floating[Any]]

GOOD = 0.95  # share of the old average precision that the new one must reach
QUANTILES = (0.05, 0.5, 0.95)


def measure_drift(
    spec_name: str, old: str, new: str, wanted: Wanted, *, world: str, seed: int, progress: Progress
) -> dict[str, Any]:
    """Average precision and scores of the probe on its own network, of the same weights on the new one, and anew.

    `old`, `new`, `anew`: figures each, on the half of the encounters that the new fit did not see; `new` is None where
    the weights do not even fit. `rank_correlation`: Spearman's, of old weights on both. `do`: what to do, in words.
    """
    spec = load_spec(spec_name)
    probe: Any = KINDS["probe"](**{**spec.params, "weights": spec.folder / spec.params["weights"]})
    networks = load_network(old), load_network(new)
    drawn = open_world(world, seed=seed, cars=CARS)
    sampler = Sampler(drawn, CARS, Draws(seed))
    before, after = (from_world(network, sampler, wanted, progress=progress) for network in networks)
    half = _half(before)
    was = probe.score(before.embeddings)
    same = networks[0].d == networks[1].d
    now = probe.score(after.embeddings) if same else None
    anew, _ = fit_probe(
        after.embeddings[half], after.labels[half], after.groups[half], backbone=networks[1].backbone, seed=seed,
        sort=probe.sort, layer=probe.layer, columns=columns_of(probe.layer, drawn.rig, networks[1]),
    )  # fmt: skip
    rest = ~half
    figures = {
        "old": _figures(was[rest], before.labels[rest], probe.threshold),
        "new": None if now is None else _figures(now[rest], after.labels[rest], probe.threshold),
        "anew": _figures(anew.score(after.embeddings[rest]), after.labels[rest], anew.threshold),
    }
    unchanged = networks[0].backbone == networks[1].backbone
    return {
        "trigger": spec.name, "layer": probe.layer,
        "networks": {"old": networks[0].name, "new": networks[1].name},
        "same_backbone": unchanged,
        "encounters": len(np.unique(before.groups[rest])), "frames": int(rest.sum()),
        **figures,
        "rank_correlation": None if now is None else _spearman(was, now),
        "do": _advice(figures, unchanged=unchanged),
    }  # fmt: skip


def _half(seeds: Seeds) -> NDArray[np.bool_]:
    """Every other encounter, positive and negative ones apart, (n,)."""
    names = np.unique(seeds.groups)
    positive = np.isin(names, seeds.groups[seeds.labels])
    chosen = np.concatenate([names[positive][::2], names[~positive][::2]])
    return np.isin(seeds.groups, chosen)


def _figures(scores: Floats, labels: NDArray[np.bool_], threshold: float) -> dict[str, float]:
    from sklearn.metrics import average_precision_score

    fires = scores >= threshold
    spread = {f"quantile_{share:g}": float(np.quantile(scores, share)) for share in QUANTILES}
    return {
        "average_precision": float(average_precision_score(labels, scores)),
        "precision": float((fires & labels).sum() / max(fires.sum(), 1)),
        "recall": float((fires & labels).sum() / max(labels.sum(), 1)),
        **spread,
    }


def _spearman(a: Floats, b: Floats) -> float:
    from scipy.stats import spearmanr

    found = float(spearmanr(a, b).statistic)
    return found if np.isfinite(found) else 0.0


def _advice(figures: dict[str, Any], *, unchanged: bool) -> str:
    if unchanged:
        return "the backbone is the same: nothing changes, and the probe may stay as it is"
    before, anew = figures["old"]["average_precision"], figures["anew"]["average_precision"]
    if anew >= GOOD * before:
        return "train it again on the new network: fitted anew it is as good as before"
    return (
        f"keep the old network beside the new one for this trigger, or collect more examples: fitted anew it reaches "
        f"{anew:.2f} where it had {before:.2f}"
    )
