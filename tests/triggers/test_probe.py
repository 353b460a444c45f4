from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from scipy.special import expit

from triggers import SignalTable
from triggers.errors import BadWeights, ForeignBackbone, MissingWeights
from triggers.probe import Probe, Readout, load_probe

Tables = Callable[..., SignalTable]
Noise = Callable[..., np.ndarray]


def wide_probe(d: int, normal: Noise) -> Probe:
    parts = normal(3, d).astype(np.float64)
    return Probe(parts[0], np.abs(parts[1]) + 0.1, Readout(parts[2], 0.3), np.array([0.7, -0.2]), 0.5, "ab")


def test_a_score_is_the_calibrated_probability(probe: Probe, table: Tables) -> None:
    x = table(a=[0.0] * 9).embedding.astype(np.float64)
    logit = ((x - probe.mean) / probe.scale) @ probe.readout.weights + probe.readout.intercept
    assert np.allclose(probe.score(x.astype(np.float32)), expit(1.2 * logit - 0.1), rtol=1e-6)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(d=st.integers(1, 130), rows=st.lists(st.integers(0, 39), min_size=1, max_size=40, unique=True))
def test_a_car_gets_the_same_bits_in_any_company(normal: Noise, d: int, rows: list[int]) -> None:
    probe, x = wide_probe(d, normal), normal(40, d, salt=1)
    assert np.array_equal(probe.score(x)[rows], probe.score(x[rows]))
    assert np.array_equal(probe.score(x)[rows[:1]], probe.score(np.asfortranarray(x[rows[:1]])))


def test_an_embedding_that_is_not_finite_has_no_score(probe: Probe) -> None:
    x = np.array([[0, 0, 0, 0], [0, np.nan, 0, 0], [0, np.inf, 0, -np.inf]], np.float32)
    assert np.isnan(probe.score(x)).tolist() == [False, True, True]


def test_extreme_logits_saturate(probe: Probe) -> None:
    sure = replace(probe, readout=Readout(np.array([1e6, 0, 0, 0]), 0.0))
    assert sure.score(np.array([[9, 0, 0, 0], [-9, 0, 0, 0]], np.float32)).tolist() == [1, 0]


def test_a_saved_probe_scores_the_same_bits(probe: Probe, tmp_path: Path, normal: Noise) -> None:
    probe.save(tmp_path / "p.safetensors")
    again = load_probe(tmp_path / "p.safetensors")
    assert np.array_equal(again.score(normal(20, 4)), probe.score(normal(20, 4)))
    assert (again.threshold, again.backbone, again.layer) == (0.6, probe.backbone, "trunk")


def test_the_same_probe_makes_the_same_file(probe: Probe, tmp_path: Path) -> None:
    for name in ("a", "b"):
        probe.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_another_backbone_or_layer_is_refused(probe: Probe, tmp_path: Path) -> None:
    probe.save(tmp_path / "p")
    assert (
        load_probe(tmp_path / "p", backbone="sha256:" + probe.backbone, layer="trunk", threshold=0.9).threshold == 0.9
    )
    with pytest.raises(ForeignBackbone, match=r"fitted to backbone abababababab…, and this is cdcdcdcdcdcd…"):
        load_probe(tmp_path / "p", backbone="cd" * 32)
    with pytest.raises(ForeignBackbone, match="fitted to layer 'trunk', not 'neck'"):
        load_probe(tmp_path / "p", layer="neck")


def test_features_of_another_number_are_refused(probe: Probe) -> None:
    with pytest.raises(ForeignBackbone, match="fitted to 4 features, and here are 5"):
        probe.score(np.zeros((1, 5), np.float32))


def test_a_file_that_is_no_probe_is_refused(probe: Probe, tmp_path: Path) -> None:
    path = tmp_path / "p"
    with pytest.raises(MissingWeights):
        load_probe(path)
    path.write_bytes(b"not a probe at all")
    with pytest.raises(BadWeights, match="not safetensors"):
        load_probe(path)
    save_file({"a": np.zeros(2)}, path)
    with pytest.raises(BadWeights, match="not a probe"):
        load_probe(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mean": None}, "not a whole probe: mean missing"),
        ({"scale": np.ones(3)}, "`scale` should be 4 finite numbers"),
        ({"coefficients": np.array([1, 2, np.nan, 4.0])}, "`coefficients` should be 4 finite"),
        ({"calibration": np.ones(3)}, "`calibration` should be 2 finite"),
        ({"scale": np.array([1, 0, 1, 1.0])}, "`scale` should be positive"),
    ],
)
def test_a_damaged_probe_is_refused(probe: Probe, tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "p"
    probe.save(path)
    tensors = {k: v for k, v in (load_file(path) | change).items() if v is not None}
    save_file(tensors, path, metadata={"outrider-probe-1": '{"backbone": "ab", "layer": "trunk"}'})
    with pytest.raises(BadWeights, match=said):
        load_probe(path)


@pytest.mark.parametrize("facts", ["{", "[]", '{"backbone": "ab"}', '{"backbone": 3, "layer": "trunk"}'])
def test_a_probe_that_does_not_say_its_backbone_is_refused(probe: Probe, tmp_path: Path, facts: str) -> None:
    path = tmp_path / "p"
    probe.save(path)
    save_file(load_file(path), path, metadata={"outrider-probe-1": facts})
    with pytest.raises(BadWeights, match="does not say its backbone"):
        load_probe(path)


def test_a_truncated_file_is_refused_wherever_it_ends(probe: Probe, tmp_path: Path) -> None:
    path = tmp_path / "p"
    probe.save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(BadWeights):
            load_probe(path)
