import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom
from structlog.testing import capture_logs

from triggers import fit_probe
from triggers.errors import TooFewEncounters, UnknownSort
from triggers.probe import Probe, load_probe
from triggers.train import Examples, threshold_for
from triggers.train.examples import FOLDS, folds
from triggers.train.sorts import SORTS

Noise = Callable[..., np.ndarray]
Drawn = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
Fitted = tuple[Probe, dict[str, Any]]

BACKBONE = "ab" * 32


@pytest.fixture(scope="session")
def drawn(normal: Noise) -> Drawn:
    """Frames of encounters that share most of their features: 6 frames each, every fourth encounter positive."""

    def draw(encounters: int, *, salt: int = 0, signal: float = 2.5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        groups = np.repeat(np.arange(encounters), 6)
        labels = groups % 4 == 0
        shared = normal(encounters, 8, salt=salt)[groups]
        features = shared + 0.4 * normal(len(groups), 8, salt=salt + 1)
        features[:, 0] += signal * labels
        return features.astype(np.float32), labels, groups

    return draw


@pytest.fixture(scope="session")
def fitted(drawn: Drawn) -> Fitted:
    return fit_probe(*drawn(600), backbone=BACKBONE, seed=3, target_false_fire_rate=0.05)


def test_a_probe_learns_what_separates_the_classes(fitted: Fitted, drawn: Drawn) -> None:
    probe, report = fitted
    features, labels, _ = drawn(200, salt=50)
    scores = probe.score(features)
    assert scores[labels].mean() > 0.6
    assert scores[~labels].mean() < 0.2
    assert report["average_precision"] > 0.85
    assert report["recall"] > 0.3


def test_the_report_is_plain_data_that_says_what_it_is_about(fitted: Fitted) -> None:
    _, report = fitted
    assert json.loads(json.dumps(report)) == report
    counts = {key: report[key] for key in ("n", "positives", "encounters", "positive_encounters", "features")}
    assert counts == {"n": 3600, "positives": 900, "encounters": 600, "positive_encounters": 150, "features": 8}
    assert [point["encounters"] for point in report["learning_curve"]] == sorted(
        point["encounters"] for point in report["learning_curve"]
    )


def test_the_same_seed_gives_the_same_bits(drawn: Drawn, tmp_path: Path) -> None:
    made = [fit_probe(*drawn(80), backbone=BACKBONE, seed=1, save_to=tmp_path / name) for name in ("a", "b")]
    assert made[0][1] == made[1][1]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert load_probe(tmp_path / "a", backbone=BACKBONE, layer="trunk").threshold == made[0][1]["threshold"]


def test_another_seed_deals_the_encounters_otherwise(drawn: Drawn) -> None:
    examples = Examples(*drawn(80))
    assert not np.array_equal(folds(examples, 1), folds(examples, 2))


def test_frames_of_one_encounter_are_never_on_both_sides(drawn: Drawn) -> None:
    features, labels, groups = drawn(83)
    fold = folds(Examples(features, labels, groups), 7)
    assert all(len(set(fold[groups == each])) == 1 for each in range(83))
    for part in range(FOLDS):
        assert 3 <= len(set(groups[(fold == part) & labels])) <= 6


def test_memorised_encounters_earn_nothing(normal: Noise) -> None:
    """Features that name the encounter and say nothing of its class: frames split at random would score highly."""
    groups = np.repeat(np.arange(60), 10)
    features = 5 * normal(60, 40)[groups] + 0.01 * normal(600, 40, salt=1)
    _, report = fit_probe(features.astype(np.float32), groups % 4 == 0, groups, backbone=BACKBONE, seed=0)
    assert report["average_precision"] < 0.5


@pytest.mark.parametrize(("rate", "confidence", "needed"), [(0.05, 0.95, 59), (0.01, 0.95, 299), (0.001, 0.95, 2995)])
def test_the_encounters_needed_are_those_of_the_neyman_pearson_umbrella(
    rate: float, confidence: float, needed: int
) -> None:
    few, enough = np.arange(needed - 1) / needed, np.arange(needed) / needed
    assert not threshold_for(few, rate, confidence)[1]["promised"]
    threshold, promise = threshold_for(enough, rate, confidence)
    assert (promise["needed"], promise["promised"], promise["observed"]) == (needed, True, 0)
    assert threshold > enough.max()


def test_the_threshold_is_the_order_statistic_of_the_published_example() -> None:
    """n = 1000, both 5 %: the 962nd smallest (Tong, Feng and Li 2018)."""
    threshold, promise = threshold_for(np.arange(1000) / 1000, 0.05, 0.95)
    assert np.float32(961 / 1000) < threshold <= np.float32(962 / 1000)
    assert promise["upper_bound"] <= 0.05
    assert binom.cdf(1000 - 962, 1000, 0.05) <= 0.05 < binom.cdf(1000 - 961, 1000, 0.05)


def test_the_promise_is_kept_as_often_as_stated(normal: Noise) -> None:
    """400 calibrations of 200 encounters whose scores are uniform, so that a threshold's true rate is 1 - threshold."""
    from scipy.special import ndtr

    scores = ndtr(normal(400, 200, salt=9).astype(np.float64))
    broken = sum(1 - threshold_for(row, 0.05, 0.9)[0] > 0.05 for row in scores)
    assert broken <= binom.ppf(0.999, 400, 0.1)


def test_ties_at_the_threshold_do_not_fire() -> None:
    threshold, promise = threshold_for(np.array([0.5] * 900 + [0.9] * 100), 0.05, 0.95)
    assert (threshold > np.float32(0.9), promise["observed"]) == (True, 0)


def test_too_few_encounters_promise_nothing_and_say_so(drawn: Drawn) -> None:
    with capture_logs() as logs:
        _, report = fit_probe(*drawn(60), backbone=BACKBONE, seed=0)
    assert (report["false_fires"]["promised"], report["false_fires"]["needed"]) == (False, 299)
    assert report["false_fires"]["upper_bound"] > 0.01
    assert [entry["event"] for entry in logs] == ["false_fire_rate_not_promised"]


def test_features_that_say_nothing_still_make_a_probe(drawn: Drawn) -> None:
    probe, report = fit_probe(*drawn(400, signal=0.0), backbone=BACKBONE, seed=0, target_false_fire_rate=0.05)
    assert probe.calibration[0] > 0
    assert report["encounter_recall"] < 0.3


def test_a_feature_that_never_changes_does_no_harm(drawn: Drawn) -> None:
    features, labels, groups = drawn(80)
    features[:, 3] = 7
    probe, _ = fit_probe(features, labels, groups, backbone=BACKBONE, seed=0)
    assert np.isfinite(probe.score(features)).all()


@pytest.mark.parametrize(("encounters", "said"), [(16, "positive encounters"), (5, "positive encounters")])
def test_a_handful_of_encounters_is_refused(drawn: Drawn, encounters: int, said: str) -> None:
    with pytest.raises(TooFewEncounters, match=f"too few {said} to train on"):
        fit_probe(*drawn(encounters), backbone=BACKBONE, seed=0)


@pytest.mark.parametrize("shapes", [((4, 2), (5,), (4,)), ((4,), (4,), (4,)), ((4, 2), (4,), (3,))])
def test_arrays_that_do_not_fit_are_refused(shapes: Sequence[tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match=r"embeddings \(n, d\)"):
        fit_probe(*(np.zeros(shape) for shape in shapes), backbone=BACKBONE, seed=0)


def test_an_embedding_that_is_not_finite_is_refused(drawn: Drawn) -> None:
    features, labels, groups = drawn(80)
    features[3, 3] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        fit_probe(features, labels, groups, backbone=BACKBONE, seed=0)


@pytest.mark.parametrize("sort", SORTS)
def test_every_sort_learns_and_comes_back_from_its_file(drawn: Drawn, tmp_path: Path, sort: str) -> None:
    file = tmp_path / "p.safetensors"
    probe, report = fit_probe(*drawn(200), backbone=BACKBONE, seed=1, sort=sort, save_to=file)
    features, labels, _ = drawn(100, salt=60)
    again = load_probe(file)
    assert np.array_equal(again.score(features), probe.score(features))
    assert np.array_equal(again.score(features)[5:9], again.score(features[5:9]))
    assert again.sort == report["sort"] == sort
    assert report["average_precision"] > 0.8
    assert again.score(features)[labels].mean() > 0.3 + again.score(features)[~labels].mean()


def test_an_unknown_sort_says_which_there_are(drawn: Drawn) -> None:
    with pytest.raises(UnknownSort, match="unknown sort of probe 'logistics'; did you mean 'logistic'"):
        fit_probe(*drawn(80), backbone=BACKBONE, seed=1, sort="logistics")


def test_a_layer_is_looked_at_and_nothing_else(drawn: Drawn) -> None:
    features, labels, groups = drawn(120)
    probe, report = fit_probe(features, labels, groups, backbone=BACKBONE, seed=1, layer="trunk.main", columns=[0, 1])
    changed = features.copy()
    changed[:, 2:] = 9.0
    assert np.array_equal(probe.score(features), probe.score(changed))
    assert (probe.layer, report["features"]) == ("trunk.main", 2)


def test_encounters_that_set_the_threshold_had_no_part_in_the_fit(drawn: Drawn) -> None:
    features, labels, groups = drawn(400)
    probe, report = fit_probe(features, labels, groups, backbone=BACKBONE, seed=2, target_false_fire_rate=0.05)
    assert report["false_fires"]["negatives"] == 120  # two fifths of 300
    fresh, other, _ = drawn(2000, salt=70)
    fires = probe.score(fresh) >= probe.threshold
    encounters = fires.reshape(-1, 6).any(axis=1)[~other.reshape(-1, 6).any(axis=1)]
    assert encounters.mean() <= 0.05
    low, high = report["encounter_recall_interval"]
    assert 0 < low < report["encounter_recall"] < high < 1
