"""Weighted samples: dependent frames count once, covered as promised, and what used to be wrong stays wrong."""

import numpy as np
import pytest
from scipy import stats

from scenarios import Draws
from triggers import estimate
from triggers.estimate.sample import effective_share


def drawn(rep: int, n: dict[int, int], chance: dict[int, float], weight: dict[int, float]) -> estimate.Sample:
    """Events in stratum 0, others in the rest."""
    strata = np.repeat(list(n), list(n.values()))
    fired = Draws(rep).uniform("fired", np.arange(len(strata))) < np.array([chance[s] for s in strata])
    event = strata == 0
    each = np.array([weight[s] / n[s] for s in strata])
    return estimate.Sample(strata.astype(np.int64), each, event, fired & event, (fired & ~event).astype(float))


def test_repeating_each_frame_twenty_times_changes_no_interval() -> None:
    draws, n = Draws(3), np.arange(60)
    event, fired = draws.uniform("event", n) < 0.4, draws.uniform("fired", n) < 0.5
    once = estimate.figures_of(estimate.gathered(n, event, fired))
    often = (np.repeat(each, 20) for each in (n, event, fired))
    assert estimate.figures_of(estimate.gathered(*often)) == once


def test_an_encounter_fires_if_any_of_its_frames_does() -> None:
    encounter = np.array(["a", "a", "b", "b", "c"])
    event = np.array([False, True, False, False, True])
    fired = np.array([True, False, True, True, False])
    found = estimate.gathered(encounter, event, fired)
    assert found.right.tolist() == [True, False, False]
    assert found.wrong.tolist() == [0, 1, 0]


def test_frames_that_disagree_on_their_encounters_weight_are_refused() -> None:
    yes = np.ones(2, np.bool_)
    with pytest.raises(ValueError, match="more than one weight"):
        estimate.gathered(np.zeros(2), yes, yes, weight=np.array([1.0, 2.0]))


def test_frames_taken_for_independent_cover_a_third_and_encounters_cover_as_promised() -> None:
    reps, encounters, frames = 400, 200, 20
    hits = {"frames": 0, "encounters": 0}
    for rep in range(reps):
        draws = Draws(rep)
        shared = draws.normal("shared", np.arange(encounters))[:, None]
        own = draws.normal("own", np.arange(encounters)[:, None], np.arange(frames))
        yes = np.sqrt(0.81) * shared + np.sqrt(0.19) * own > 0  # correlation of yes and no about 0.6
        naive = estimate.wilson(yes.sum(), yes.size)
        hits["frames"] += naive.low <= 0.5 <= naive.high
        shares = yes.mean(axis=1)
        whole = estimate.Sample(
            np.zeros(encounters, np.int64), np.ones(encounters), np.ones(encounters, np.bool_), yes[:, 0], shares * 0
        )
        plain = estimate.figures_of(whole).recall
        hits["encounters"] += plain.low <= 0.5 <= plain.high
    assert hits["frames"] / reps < 0.5
    assert 0.92 < hits["encounters"] / reps < 0.98


def test_precision_recall_and_rate_are_covered_where_much_is_hit() -> None:
    n, chance = {0: 400, 1: 600, 2: 300}, {0: 0.8, 1: 0.15, 2: 0.3}
    weight = {0: 1e-5, 1: 4e-5, 2: 1e-5}
    right, wrong = 8e-6, 4e-5 * 0.15 + 1e-5 * 0.3
    truth = {"precision": right / (right + wrong), "recall": 0.8, "fires": right + wrong}
    reps, hits = 600, dict.fromkeys(truth, 0)
    for rep in range(reps):
        found = estimate.figures_of(drawn(rep, n, chance, weight))
        for name, value in truth.items():
            interval = getattr(found, name)
            hits[name] += interval.low <= value <= interval.high
    for covered in hits.values():
        assert abs(covered / reps - 0.95) < 3 * np.sqrt(0.95 * 0.05 / reps)


def test_few_false_fires_are_covered_and_a_heavy_stratum_without_any_is_not_forgotten() -> None:
    n, chance = {0: 200, 1: 300, 2: 400}, {0: 0.7, 1: 0.01, 2: 0.002}
    weight = {0: 1.0, 1: 2.0, 2: 30.0}
    right, wrong = 0.7, 0.02 + 0.06
    truth, reps, covered = right / (right + wrong), 500, 0
    for rep in range(reps):
        found = estimate.figures_of(drawn(rep, n, chance, weight)).precision
        covered += found.low <= truth <= found.high
    assert covered / reps > 0.93


def test_half_a_hit_in_every_stratum_is_still_the_wrong_prior() -> None:
    """Ordinary driving has nearly all the weight: half a hit in it outweighs every alert there is."""
    n = np.array([300, 300, 300, 600])
    weight, chance = np.array([1e-5, 1e-5, 2e-5, 0.98]), np.array([0.9, 0.05, 0.1, 2e-7])
    truth, reps = 9e-6 / float(weight @ chance), 200
    hits = {"half a hit in every stratum": 0, "as the exam has it": 0}
    for rep in range(reps):
        fires = stats.binom.ppf(Draws(rep).uniform("fires", np.arange(4)), n, chance)
        share = Draws(rep).uniform("posterior", np.arange(400)[:, None], np.arange(4))
        rates = weight * stats.beta.ppf(share, fires + 0.5, n - fires + 0.5)
        low, high = np.quantile(rates[:, 0] / rates.sum(axis=1), [0.025, 0.975])
        hits["half a hit in every stratum"] += low <= truth <= high
        found = estimate.figures_of(counted(n, fires.astype(int), weight), rest=3).precision
        hits["as the exam has it"] += found.low <= truth <= found.high
    assert hits["half a hit in every stratum"] / reps < 0.5
    assert abs(hits["as the exam has it"] / reps - 0.95) < 3 * np.sqrt(0.95 * 0.05 / reps)


def counted(n: np.ndarray, fires: np.ndarray, weight: np.ndarray) -> estimate.Sample:
    """So many fires of each stratum; events in stratum 0."""
    strata = np.repeat(np.arange(len(n)), n)
    fired = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) < fires[strata]
    event = strata == 0
    return estimate.Sample(strata, (weight / n)[strata], event, fired & event, (fired & ~event).astype(float))


def test_where_nearly_all_of_a_stratum_is_hit_rates_are_covered_too() -> None:
    n, chances = 60, np.linspace(0.55, 0.98, 44)
    found = [estimate.figures_of(counted(np.array([n]), np.array([k]), np.ones(1))).right for k in range(n + 1)]
    holds = np.array([[each.low <= chance <= each.high for each in found] for chance in chances])
    covered = (stats.binom.pmf(np.arange(n + 1), n, chances[:, None]) * holds).sum(axis=1)
    assert covered.mean() == pytest.approx(0.96, abs=0.02)
    assert covered.min() > 0.9  # counts are whole numbers: no interval covers every chance alike
    assert found[n].low < 0.96


def test_right_and_wrong_fires_of_one_stratum_are_not_taken_for_independent() -> None:
    reps, n, right, wrong = 600, 100, 0.5, 0.3
    hits = {"precision": 0, "fires": 0}
    for rep in range(reps):
        drawn = Draws(rep).uniform("which", np.arange(n))
        event, hit = drawn < right, drawn < right + wrong
        one = estimate.Sample(np.zeros(n, np.int64), np.full(n, 1 / n), event, event, (hit & ~event).astype(float))
        found = estimate.figures_of(one)
        hits["precision"] += found.precision.low <= right / (right + wrong) <= found.precision.high
        hits["fires"] += found.fires.low <= right + wrong <= found.fires.high
    for covered in hits.values():
        assert 0.95 - 3 * np.sqrt(0.95 * 0.05 / reps) < covered / reps < 0.985


def test_correlation_within_strata_is_that_of_shares_of_one_whole() -> None:
    sample = counted(np.array([200]), np.array([60]), np.ones(1))
    one, other = (np.arange(200) < 60).astype(float), (np.arange(200) >= 120).astype(float)
    assert sample.correlation(one, other) == pytest.approx(-np.sqrt(0.3 * 0.4 / (0.7 * 0.6)))
    assert sample.correlation(one, np.zeros(200)) == 0


def test_rates_that_are_to_be_sure_are_wider() -> None:
    sample = drawn(3, {0: 100, 1: 200}, {0: 0.7, 1: 0.05}, {0: 1.0, 1: 1.0})
    plain, sure = (estimate.figures_of(sample, sure=sure) for sure in (False, True))
    assert sure.fires.low < plain.fires.low < plain.fires.high < sure.fires.high
    assert sure.recall == plain.recall


def test_ordinary_driving_that_was_hardly_looked_at_is_said_to_be_unresolved() -> None:
    n, chance = {0: 100, 1: 100, 2: 500}, {0: 0.7, 1: 0.2, 2: 0.0}
    light = estimate.figures_of(drawn(1, n, chance, {0: 1.0, 1: 1.0, 2: 5.0}), rest=2)
    heavy = estimate.figures_of(drawn(1, n, chance, {0: 1.0, 1: 1.0, 2: 5000.0}), rest=2)
    assert light.resolved
    assert not heavy.resolved
    assert light.precision.low < heavy.precision.low  # the one knows of fires that the other leaves to the guard


def test_where_nothing_but_events_was_looked_at_precision_may_be_anything_below() -> None:
    events = {0: 100}, {0: 0.7}, {0: 1.0}
    blind = drawn(1, *(part | {2: value} for part, value in zip(events, (20, 0.0, 5000.0), strict=True)))
    found = estimate.figures_of(blind, rest=2)
    assert not found.resolved
    assert (found.precision.estimate, found.precision.low) == (1.0, 0.0)
    near_miss = drawn(1, *(part | {1: value, 2: last} for part, value, last in
                           zip(events, (100, 0.0, 1.0), (20, 0.0, 5000.0), strict=True)))  # fmt: skip
    assert estimate.figures_of(near_miss, rest=2).precision.low > 0.9


def test_a_plain_sample_counts_as_itself() -> None:
    sample = drawn(2, {0: 80}, {0: 0.5}, {0: 1.0})
    hits, of = effective_share(sample, sample.right.astype(float), sample.event.astype(float))
    assert of == pytest.approx(79 * (1.959964 / stats.t.ppf(0.975, 78)) ** 2, rel=1e-3)
    assert hits / of == pytest.approx(sample.right.mean())


def test_nothing_seen_gives_the_widest_interval_there_is() -> None:
    found = estimate.figures_of(drawn(1, {0: 50, 1: 50}, {0: 0.0, 1: 0.0}, {0: 1.0, 1: 1.0}))
    assert (found.precision.low, found.precision.high) == (0, 1)
    assert found.recall.low == 0
    assert 0 < found.recall.high < 0.1
    assert found.thin


def test_one_encounter_that_makes_half_of_all_alerts_makes_the_figures_thin() -> None:
    sample = drawn(1, {0: 100, 1: 100}, {0: 0.9, 1: 0.9}, {0: 1.0, 1: 1.0})
    weight = sample.weight.copy()
    weight[0] = 10.0
    fired = sample.right.copy()
    fired[0] = True
    heavy = estimate.Sample(sample.stratum, weight, sample.event, fired, sample.wrong)
    assert not estimate.figures_of(sample).thin
    assert estimate.figures_of(heavy).thin


def test_a_slice_is_a_domain_of_the_whole_sample() -> None:
    sample = drawn(5, {0: 300, 1: 300}, {0: 0.6, 1: 0.3}, {0: 1.0, 1: 1.0})
    rows = np.arange(len(sample)) % 3 == 0
    part, whole = estimate.figures_of(sample, rows=rows), estimate.figures_of(sample)
    assert part.encounters == rows.sum()
    assert part.precision.half_width > whole.precision.half_width
    assert part.fires.estimate < whole.fires.estimate
