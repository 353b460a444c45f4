import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deltalake import DeltaTable
from wire_samples import RUN, a_clip, some_fires

from telemetry.errors import MissingExtra, NotARun, UnknownClip, WrongColumns
from telemetry.loopback import Loopback
from telemetry.query import open_run, open_store, write_truth
from telemetry.tables import TABLES


def conditions(cars: int = 2) -> dict[str, Any]:
    empty = [None] * cars
    return {
        "run": [RUN] * cars, "car": np.arange(cars), "t_us": [0] * cars, "kind": ["conditions"] * cars,
        "encounter": [0] * cars, "distance_m": empty, "visible": empty, "state": empty,
        "rain": np.linspace(0, 1, cars), "night": [1.0] * cars, "tilt_deg": empty, "traits": [""] * cars,
        **{name: [0.0] * cars for name in ("snow", "fog", "glare", "dirty_lens", "tunnel")}, "road": ["urban"] * cars,
    }  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_a_table_that_was_never_written_is_empty_and_has_its_columns(tmp_path: Path, table: str) -> None:
    (tmp_path / "inbox").mkdir()
    found = open_run(tmp_path).table(table)
    assert found.columns == list(TABLES[table].on_disk)
    assert found.fetchall() == []


def test_what_was_sent_is_found(tmp_path: Path) -> None:
    with Loopback(tmp_path, run=RUN) as gateway:
        gateway.send_rows("fires", "b0", some_fires(0, 3))
        gateway.flush()
        gateway.send_rows("fires", "b1", some_fires(3, 2))
        gateway.flush()
        found = open_run(tmp_path).sql("SELECT run, car, clip FROM fires ORDER BY car").fetchall()
    assert found == [(RUN, car, f"{car}-0-surprise") for car in range(5)]


SAID = {
    "Vehicle.Speed": [72.5, None], "Vehicle.IsMoving": [True, None], "Vehicle.ADAS.ActiveAutonomyLevel": ["SAE_0"] * 2
}  # fmt: skip


def test_a_signal_is_a_column_with_dots_in_its_name(tmp_path: Path) -> None:
    columns = {name: np.full(2, 50) for name in TABLES["signals"].columns if name != "run"}
    with Loopback(tmp_path, run=RUN) as gateway:
        gateway.send_rows("signals", "b0", columns | SAID)
        gateway.flush()
    found = open_run(tmp_path).sql('SELECT "Vehicle.Speed", "Vehicle.IsMoving" FROM signals').fetchall()
    assert sorted(found, key=str) == [(72.5, True), (None, None)]


def test_a_connection_shows_the_run_as_it_was_when_opened(tmp_path: Path) -> None:
    write_truth(tmp_path, conditions(), 0)
    before = open_run(tmp_path)
    write_truth(tmp_path, conditions(), 1)
    assert [run.sql("SELECT count(*) FROM truth").fetchall() for run in (before, open_run(tmp_path))] == [
        [(2,)],
        [(4,)],
    ]


def test_a_folder_without_a_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotARun, match="is no run"):
        open_run(tmp_path / "nowhere")


def test_no_extension_is_fetched_from_the_network(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").touch()
    setting = open_run(tmp_path).sql("SELECT current_setting('autoinstall_known_extensions')").fetchall()
    assert setting == [(False,)]


def test_truth_is_written_once_a_batch(tmp_path: Path) -> None:
    assert [write_truth(tmp_path, conditions(), batch) for batch in (10, 20, 20, 10, 30)] == [
        True, True, False, False, True,
    ]  # fmt: skip
    assert open_run(tmp_path).sql("SELECT count(*) FROM truth").fetchall() == [(6,)]


def test_truth_of_many_batches_stays_in_few_files(tmp_path: Path) -> None:
    for batch in range(70):
        write_truth(tmp_path, conditions(1), batch)
    assert open_run(tmp_path).sql("SELECT count(*) FROM truth").fetchall() == [(70,)]
    assert len(DeltaTable(tmp_path / "tables" / "truth").file_uris()) < 20


def test_truth_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongColumns, match="fog"):
        write_truth(tmp_path, {name: values for name, values in conditions().items() if name != "fog"}, 0)


@pytest.fixture(name="store")
def a_store_of_two_runs(tmp_path: Path) -> Path:
    for run in (RUN, "other"):
        with Loopback(tmp_path / "store", run=run) as gateway:
            gateway.send_rows("fires", "b0", some_fires(0, 3))
            gateway.send_clip(a_clip("same", run=run))
            gateway.send_clip(a_clip(f"of-{run}", run=run, t_us=5, trigger="rare"))
            gateway.flush()
    return tmp_path / "store"


@pytest.mark.parametrize("url", ["{}", "file://{}"])
def test_a_store_gives_arrow_and_pandas_by_table_or_by_query(store: Path, url: str) -> None:
    with open_store(url.format(store)) as opened:
        assert opened.arrow("fires").num_rows == 6
        assert opened.arrow("SELECT DISTINCT car FROM fires ORDER BY 1")["car"].to_pylist() == [0, 1, 2]
        assert list(opened.pandas("labels").columns) == list(TABLES["labels"].on_disk)
        assert opened.pandas("FROM fires WHERE run = 'other'")["car"].sum() == 3


def test_a_store_lists_its_clips_and_gives_each(store: Path) -> None:
    with open_store(store) as opened:
        assert opened.clips("trigger = 'rare'") == [f"of-{RUN}", "of-other"]
        assert opened.clip("of-other").run == "other"
        assert opened.clip("same", run=RUN) == a_clip("same")
        with pytest.raises(UnknownClip, match=r"2 runs in .* have a clip 'same'; say which run"):
            opened.clip("same")
        with pytest.raises(UnknownClip, match=r"there is no clip 'of-othr'.*did you mean 'of-other'"):
            opened.clip("of-othr")
        next(path for path in (store / "clips").iterdir() if path.name == "of-other.mcap").unlink()
        with pytest.raises(FileNotFoundError):
            opened.clip("of-other")


def test_polars_is_a_frame_like_the_others_or_says_what_to_install(store: Path) -> None:
    with open_store(store) as opened:
        if importlib.util.find_spec("polars") is None:
            with pytest.raises(MissingExtra, match=r"pip install 'outrider-fleet\[polars\]'"):
                opened.polars("fires")
        else:
            assert sorted(opened.polars("fires")["car"].to_list()) == [0, 0, 1, 1, 2, 2]
