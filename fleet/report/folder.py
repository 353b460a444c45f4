"""A run folder, opened for reading: its plan, its manifest and its tables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

from fleet.errors import NotARun
from telemetry import TABLES, open_run


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it lies on disk, which may be partial.

    folder: the run folder
    store: where the collection server kept tables and clips; the run folder itself for an embedded server
    db: a view per table, of this run's rows only
    plan: the resolved plan; empty when there is none
    manifest: empty when there is none
    """

    folder: Path
    store: Path
    db: duckdb.DuckDBPyConnection
    plan: Mapping[str, Any]
    manifest: Mapping[str, Any]

    @property
    def complete(self) -> bool:
        """Whether the run reached its end and everything it sent was acknowledged."""
        return bool(self.manifest.get("complete", False))

    @property
    def cars(self) -> int:
        """How many cars the fleet has: by the plan, else as many as were seen."""
        planned = self.plan.get("cars")
        return int(planned) if planned else int(self.one("SELECT count(DISTINCT car) FROM vehicles") or 0)

    def one(self, query: str, *values: object) -> Any:
        """The first value of the first row; None when there is no row."""
        row = self.db.execute(query, list(values)).fetchone()
        return row[0] if row else None


def open_folder(folder: Path, store: Path | None = None) -> Run:
    """The run in a folder, or all runs of a store; raises NotARun when it is neither."""
    if not any((folder / name).exists() for name in ("plan.yaml", "tables", "inbox")):
        raise NotARun(folder, "plan.yaml or tables/" if folder.is_dir() else "files: there is no such folder")
    plan, manifest = _plan(folder / "plan.yaml"), _manifest(folder / "manifest.json")
    store = store or _store_named(manifest, folder)
    db = open_run(store)
    if store.resolve() != folder.resolve():
        _with_truth_of(db, folder)
    _only(db, manifest.get("run"))
    return Run(folder, store, db, plan, manifest)


def _plan(file: Path) -> Mapping[str, Any]:
    return (yaml.safe_load(file.read_text()) or {}) if file.is_file() else {}


def _manifest(file: Path) -> Mapping[str, Any]:
    """A killed run may leave half a manifest: then it has none."""
    try:
        found = json.loads(file.read_text()) if file.is_file() else {}
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _store_named(manifest: Mapping[str, Any], folder: Path) -> Path:
    """The store that the manifest names, if this machine has it."""
    named = manifest.get("store")
    return Path(named) if named and Path(named).is_dir() else folder


def _only(db: duckdb.DuckDBPyConnection, run: str | None) -> None:
    """Narrow every view to one run: a store may hold many."""
    for table in TABLES if run else ():
        db.execute(f"ALTER VIEW {table} RENAME TO every_{table}")
        db.execute(f"CREATE TEMP VIEW {table} AS FROM every_{table} WHERE run = {_quoted(run or '')}")


def _with_truth_of(db: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """The examiner's truth never crosses the wire: it lies in the run folder, whatever store the run used."""
    db.register("truth_of_run", open_run(folder).sql("FROM truth").to_arrow_table())
    db.execute("DROP VIEW truth; CREATE TEMP VIEW truth AS FROM truth_of_run")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
