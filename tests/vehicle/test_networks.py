import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from little_world import LittleWorld
from vehicle_parts import HEADS, blank

from vehicle import TASKS, HydraNet, Network, VehicleError, load_network
from vehicle.errors import (
    ForeignBackbone,
    ForeignTask,
    MissingWeights,
    OldNetwork,
    TamperedWeights,
    UnknownNetwork,
    UnknownTask,
)


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder / "production", tmp_path / "copy"))


def test_the_deployed_network_answers_as_the_trained_one(folder: Path, production: Network, world: LittleWorld) -> None:
    pixels = world.frames(np.arange(5, dtype=np.uint32), 700).pixels
    embedding, outputs = HydraNet.load(folder / "production").eval()(pixels)
    deployed = production.embed(pixels.numpy())
    np.testing.assert_allclose(deployed, embedding.detach(), atol=1e-4)
    for task, answers in production.answer(deployed).items():
        np.testing.assert_allclose(answers, outputs[task].detach(), atol=1e-4)


def test_a_network_comes_back_from_its_folder_bit_by_bit(folder: Path) -> None:
    before, after = blank(1).state_dict(), HydraNet.load(folder / "production").state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_new_heads_keep_the_backbone_and_the_other_heads(
    production: Network, candidate: Network, world: LittleWorld
) -> None:
    assert candidate.backbone == production.backbone
    embedding = production.embed(world.frames(np.arange(16, dtype=np.uint32), 700).pixels.numpy())
    one, other = production.answer(embedding), candidate.answer(embedding)
    assert {task for task in one if not np.array_equal(one[task], other[task])} == {"pedestrians"}


def test_a_fingerprint_sees_every_bit_of_the_backbone_and_no_head() -> None:
    network = blank(1)
    before = network.fingerprint
    network.heads["weather"][0].bias.data[0] += 1
    assert network.fingerprint == before
    network.backbone.camera.data[0, 0] += 1e-7
    assert network.fingerprint != before


def test_all_files_together_are_small(folder: Path) -> None:
    sizes = {file.name: file.stat().st_size for file in (folder / "production").iterdir()}
    assert sizes["backbone.onnx"] + sizes["heads.onnx"] < 3e6
    assert sizes["weights.safetensors"] < 3e6


def test_a_files_says_nothing_of_the_machine_that_wrote_it(folder: Path) -> None:
    for file in ("backbone.onnx", "heads.onnx"):
        assert b".py" not in (folder / "production" / file).read_bytes()


def test_an_unknown_name_gets_a_list_or_a_hint() -> None:
    with pytest.raises(UnknownNetwork, match="unknown network 'hydranet-v1x'"):
        load_network("hydranet-v1x")


@pytest.mark.parametrize("file", ["card.json", "backbone.onnx", "heads.onnx"])
def test_a_missing_file_is_named(file: str, copied: Path) -> None:
    (copied / file).unlink()
    with pytest.raises(MissingWeights, match=file):
        load_network(copied)


@pytest.mark.parametrize("file", ["backbone.onnx", "heads.onnx", "weights.safetensors"])
def test_a_tampered_file_is_refused(file: str, copied: Path) -> None:
    content = bytearray((copied / file).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / file).write_bytes(content)
    with pytest.raises(TamperedWeights, match=file):
        HydraNet.load(copied) if file.endswith("safetensors") else load_network(copied)


def test_heads_of_another_backbone_are_refused(folder: Path, copied: Path) -> None:
    shutil.copy(folder / "foreign" / "heads.onnx", copied)
    foreign = json.loads((folder / "foreign" / "card.json").read_text())
    card = json.loads((copied / "card.json").read_text())
    card["files"]["heads.onnx"] = foreign["files"]["heads.onnx"]
    (copied / "card.json").write_text(json.dumps(card))
    with pytest.raises(ForeignBackbone):
        load_network(copied)


def test_a_head_without_a_task_is_refused_with_a_hint(copied: Path) -> None:
    card = json.loads((copied / "card.json").read_text())
    card["tasks"]["vehicles"]["spec"] = None  # made in code, by a plugin that is not here
    (copied / "card.json").write_text(json.dumps(card))
    table = {"vehicle": TASKS["vehicles"], **{name: TASKS[name] for name in HEADS if name != "vehicles"}}
    with pytest.raises(UnknownTask, match="did you mean 'vehicle'"):
        load_network(copied, tasks=table)


def test_a_task_that_asks_for_other_outputs_is_refused(copied: Path) -> None:
    with pytest.raises(ForeignTask, match="weather"):
        load_network(copied, tasks={**TASKS, "weather": TASKS["stop_sign"]})


def test_a_network_of_another_release_is_refused(copied: Path) -> None:
    card = json.loads((copied / "card.json").read_text())
    (copied / "card.json").write_text(json.dumps({**card, "schema": 1}))
    with pytest.raises(OldNetwork, match="train the network again"):
        load_network(copied)


def test_a_card_carries_its_tasks(production: Network, folder: Path) -> None:
    alone = load_network(folder / "production", tasks={})
    assert {name: task.spec for name, task in alone.tasks.items()} == {
        name: TASKS[name].spec for name in production.tasks
    }


def test_a_camera_is_judged_by_what_it_alone_shows(folder: Path, world: LittleWorld) -> None:
    pixels = world.frames(np.arange(4, dtype=np.uint32), 700).pixels
    other = pixels.clone()
    other[:, 3] = 255 - other[:, 3]
    network = HydraNet.load(folder / "production").eval()
    before, after = network(pixels)[1], network(other)[1]
    changed = (before["vehicles"] != after["vehicles"]).any(0).tolist()
    assert changed == [camera == 3 for camera in range(8)]
    assert (before["weather"] != after["weather"]).any()


def test_every_refusal_is_a_vehicle_error() -> None:
    from vehicle import errors

    ours = [each for each in vars(errors).values() if isinstance(each, type) and each.__module__ == errors.__name__]
    classes = [each for each in ours if issubclass(each, Exception)]
    assert all(issubclass(each, VehicleError) and each.__name__ in (errors.__doc__ or "") for each in classes)


def test_eyes_show_the_same_with_and_without_the_maps_of_their_trunk() -> None:
    network = load_network("hydranet-v1")
    pixels = np.arange(2 * 8 * 3 * 64 * 96, dtype=np.uint32).astype(np.uint8).reshape(2, 8, 3, 64, 96)
    embedding, maps = network.see(pixels)
    np.testing.assert_array_equal(embedding, network.embed(pixels))
    with torch.no_grad():
        fine, x = HydraNet.load("hydranet-v1").eval().backbone.trunk(torch.from_numpy(pixels).flatten(0, 1))
    np.testing.assert_allclose(maps["fine"], fine.numpy(), atol=1e-3)
    np.testing.assert_allclose(maps["x"], x.numpy(), atol=1e-3)
