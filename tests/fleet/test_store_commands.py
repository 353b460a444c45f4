import json
from pathlib import Path

import numpy as np
import pytest
from test_cli import outrider, refusal

from telemetry import Clip, Loopback

CLIP = Clip(
    id="7-100-surprise", run="city", car=7, tick=100, t_us=10_000_000, trigger="surprise", version=3, score=0.75,
    priority=20, ticks=(100,), cameras=("main",), frames=[[b"\xff\xd8picture"]], calibration=[{"name": "main"}],
    poses=[{"x_m": 1.0}], signals={}, percepts={}, shadows={}, complete=True,
)  # fmt: skip


@pytest.fixture(name="store")
def a_store(tmp_path: Path) -> Path:
    with Loopback(tmp_path / "store", run="city") as gateway:
        gateway.send_clip(CLIP)
        row = {"loadout": ["main"], "driving": [True], "link": ["wifi"], "waiting_clips": [0], "waiting_bytes": [0]}
        gateway.send_rows("vehicles", "b", {"car": np.array([7]), "t_us": [0], "uploaded_bytes": [9], **row})
        gateway.flush()
    return tmp_path / "store"


def test_a_store_answers_questions_and_gives_its_clips(store: Path, tmp_path: Path) -> None:
    url = f"file://{store}"
    asked = json.loads(outrider("store", "sql", url, "SELECT car, uploaded_bytes FROM vehicles", "--json").stdout)
    assert (asked["columns"], asked["rows"]) == (["car", "uploaded_bytes"], [[7, 9]])
    done = outrider("store", "clips", url, "car = 7", "--out", tmp_path / "out", "--json")
    assert [clip["clip"] for clip in json.loads(done.stdout)["clips"]] == ["7-100-surprise"]
    assert Clip.read(tmp_path / "out" / "7-100-surprise.mcap") == CLIP
    assert "7-100-surprise" in outrider("store", "clips", store).stdout


def test_what_is_too_much_is_told_and_then_goes(store: Path) -> None:
    little = ("store", "trim", store, "--keep-gb", "0.00001")
    assert "would go: 1" in outrider(*little, "--dry-run").stdout
    assert json.loads(outrider("store", "sql", store, "SELECT count(*) FROM clips", "--json").stdout)["rows"] == [[1]]
    assert json.loads(outrider(*little, "--json").stdout)["clips"] == 1
    assert json.loads(outrider("store", "sql", store, "SELECT count(*) FROM clips", "--json").stdout)["rows"] == [[0]]


def test_mistakes_about_a_store_are_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "say what is to stay" in refusal("store", "trim", tmp_path)
    assert "is no run" in refusal("store", "trim", tmp_path / "nowhere", "--keep-days", "3")
    assert "it is a folder, or s3://BUCKET/PREFIX" in refusal("store", "sql", "gs://bucket/store", "SELECT 1")
    assert "the bucket is missing" in refusal("store", "clips", "s3:///store")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    said = refusal("store", "sql", "s3://fleet/store", "SELECT 1")
    assert "object store of s3://fleet/store does not answer" in said
    assert "Connection refused" in said
