"""A run on disk: plan, manifest, log; whole lines and whole files only, visibly incomplete until the end."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fleet.errors import CannotWrite, FolderInUse, FolderNotEmpty, ForeignCheckpoint, NotARun, NothingToResume
from fleet.plan import RunPlan
from fleet.plan_file import load_plan

SCHEMA = 1
CHECKPOINTS = "checkpoints"
PACKAGES = "packages"  # what trigger packages held, as the cars have it


def write_whole(path: Path, content: bytes) -> None:
    """Put a file there in one step that survives a power cut; CannotWrite where the disk refuses."""
    beside = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise CannotWrite(path, error) from error


def refuse_used(path: Path) -> None:
    """FolderNotEmpty where there is something in the folder, CannotWrite where it is none."""
    try:
        if path.exists() and any(path.iterdir()):
            raise FolderNotEmpty(path)
    except OSError as error:
        raise CannotWrite(path, error) from error


def next_free(runs: Path, plan: RunPlan) -> Path:
    """`runs/<plan>-<seed>-<n>` with the smallest n that is not taken."""
    n = 1
    while (runs / f"{plan.name}-{plan.seed}-{n}").exists():
        n += 1
    return runs / f"{plan.name}-{plan.seed}-{n}"


def interrupted(runs: Path, plan: RunPlan) -> Path:
    """The newest interrupted run of a plan; NothingToResume where there is none."""
    found = [path.parent for path in runs.glob(f"{plan.name}-{plan.seed}-*/manifest.json")]
    left = [path for path in found if not RunFolder(path).manifest["complete"]]
    if not left:
        raise NothingToResume(runs, f"no interrupted run of plan {plan.name!r} with seed {plan.seed}")
    return max(left, key=lambda path: (path / "manifest.json").stat().st_mtime_ns)


class RunFolder:
    """The files of one run, apart from its store."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = path / "log.jsonl"

    @classmethod
    def create(cls, path: Path, plan: RunPlan, facts: dict[str, Any]) -> "RunFolder":
        """A new run folder; FolderNotEmpty where something is there already, CannotWrite where it cannot be made."""
        refuse_used(path)
        folder = cls(path)
        write_whole(path / "plan.yaml", plan.to_yaml().encode())
        folder.write_manifest({"schema": SCHEMA, **facts, "digest": None, "complete": False})
        return folder

    @property
    def plan(self) -> RunPlan:
        """The resolved plan; NotARun where there is none."""
        if not (self.path / "plan.yaml").is_file():
            raise NotARun(self.path, "plan.yaml")
        return load_plan(str(self.path / "plan.yaml"))

    def refuse_other_plan(self, asked: RunPlan) -> None:
        """ForeignCheckpoint where the run in the folder is of another plan than the one asked for."""
        ours, theirs = (plan.model_dump(mode="json", exclude={"shards"}) for plan in (self.plan, asked))
        for field, was in ours.items():
            if theirs[field] != was:
                raise ForeignCheckpoint(self.path, f"its plan has {field} = {was}, not {theirs[field]}")

    @property
    def manifest(self) -> dict[str, Any]:
        """What is known about the run; NotARun where there is none."""
        try:
            found = json.loads((self.path / "manifest.json").read_text())
        except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError) as error:
            raise NotARun(self.path, "manifest.json") from error
        return dict(found)

    def write_manifest(self, facts: dict[str, Any]) -> None:
        """Replace the manifest."""
        write_whole(self.path / "manifest.json", (json.dumps(facts, indent=2) + "\n").encode())

    def finish(self, facts: dict[str, Any]) -> None:
        """The run is complete: say so, and drop what only an interrupted run needs."""
        self.write_manifest(facts)
        shutil.rmtree(self.path / CHECKPOINTS, ignore_errors=True)

    def append_log(self, entry: dict[str, Any]) -> None:
        """Add one barrier to the log; on disk when this returns."""
        try:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise CannotWrite(self._log, error) from error

    def log(self) -> list[dict[str, Any]]:
        """The barriers that all shards met; a line cut short by a crash is not one, and is dropped from the file."""
        if not self._log.exists():
            return []
        text = self._log.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            write_whole(self._log, whole.encode())
        return [json.loads(line) for line in whole.splitlines()]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other process out of the run while it lasts; FolderInUse where one is in."""
        try:
            lock = os.open(self.path / ".lock", os.O_CREAT | os.O_RDWR)
        except OSError as error:
            raise CannotWrite(self.path, error) from error
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FolderInUse(self.path) from error
            yield
        finally:
            os.close(lock)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
