from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deltalake import DeltaTable
from wire_samples import RUN, some_fires

from telemetry.errors import NotARun, WrongColumns
from telemetry.loopback import Loopback
from telemetry.query import open_run, run_tables, write_truth
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
    assert run_tables(tmp_path)["fires"] == 5


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
    for ask in (open_run, run_tables):
        with pytest.raises(NotARun, match="is no run"):
            ask(tmp_path / "nowhere")


def test_no_extension_is_fetched_from_the_network(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").touch()
    setting = open_run(tmp_path).sql("SELECT current_setting('autoinstall_known_extensions')").fetchall()
    assert setting == [(False,)]


def test_truth_is_written_once_a_batch(tmp_path: Path) -> None:
    assert [write_truth(tmp_path, conditions(), batch) for batch in (10, 20, 20, 10, 30)] == [
        True, True, False, False, True,
    ]  # fmt: skip
    assert run_tables(tmp_path)["truth"] == 6


def test_truth_of_many_batches_stays_in_few_files(tmp_path: Path) -> None:
    for batch in range(70):
        write_truth(tmp_path, conditions(1), batch)
    assert run_tables(tmp_path)["truth"] == 70
    assert len(DeltaTable(tmp_path / "tables" / "truth").file_uris()) < 20


def test_truth_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongColumns, match="fog"):
        write_truth(tmp_path, {name: values for name, values in conditions().items() if name != "fog"}, 0)
