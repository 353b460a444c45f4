"""What a collection server's tables, clips and compaction cost: the figures of docs/operating.md. One line of JSON.

python benchmarks/sizing.py RUN [--published URL]

RUN: a run folder, of which the bytes of a row and of a clip are taken
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from telemetry import Loopback, open_store

ROWS, BATCHES, CLIPS, CLIP_BYTES = 200, 250, 200, 100_000

COMPACT = """
import sys, time
from pathlib import Path
from instruments.process import peak_mb
from telemetry.destination import open_destination
from telemetry.ledger import Ledger
from telemetry.store import Compactor
ledger = Ledger(Path(sys.argv[1]))
compactor = Compactor(ledger, open_destination(sys.argv[2]))
began, wall = time.process_time(), time.monotonic()
moved = compactor.drain()
print(moved, time.process_time() - began, time.monotonic() - wall, peak_mb())
ledger.close()
"""


def main() -> None:
    """Print the figures."""
    asked = argparse.ArgumentParser()
    asked.add_argument("run", type=Path)
    asked.add_argument("--published", help="measure compaction to this URL instead of a folder")
    given = asked.parse_args()
    figures = {"run": _of_run(given.run)}
    with tempfile.TemporaryDirectory() as folder:
        for what in ("rows", "clips"):
            store = Path(folder) / what
            _fill(store, what)
            figures[what] = _compact(store, f"{given.published}/{what}" if given.published else str(store))
    print(json.dumps(figures))


def _of_run(run: Path) -> dict[str, float]:
    """Bytes on disk a row, by table, and of a clip."""
    with open_store(run) as store:
        tables = [name for (name,) in store.sql("SELECT DISTINCT name FROM (SHOW ALL TABLES)").fetchall()]
        counts = {name: store.arrow(f"SELECT count(*) AS n FROM {name}")["n"][0].as_py() for name in tables}  # noqa: S608
    weights = {name: sum(path.stat().st_size for path in (run / "tables" / name).rglob("*.parquet")) for name in tables}
    clips = [path.stat().st_size for path in (run / "clips").glob("*.mcap")]
    found = {f"{name}_row_bytes": weights[name] / count for name, count in counts.items() if count}
    return found | {"clip_bytes": sum(clips) / max(len(clips), 1), "clips": len(clips)}


def _fill(store: Path, what: str) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "telemetry"))
    from wire_samples import RUN, a_clip, some_fires

    with Loopback(store, run=RUN) as gateway:
        for batch in range(BATCHES if what == "rows" else 0):
            gateway.send_rows("fires", f"b{batch}", some_fires(ROWS * batch, ROWS))
        for clip in range(CLIPS if what == "clips" else 0):
            gateway.send_clip(a_clip(f"c{clip}", picture=bytes([clip]) * (CLIP_BYTES // 3)))


def _compact(inbox: Path, url: str) -> dict[str, float]:
    command, here = [sys.executable, "-c", COMPACT, inbox, url], Path(__file__).parent
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=here)
    moved, cpu_s, wall_s, mb = map(float, done.stdout.splitlines()[-1].split())
    return {
        "messages": moved,
        "cpu_ms_each": cpu_s / moved * 1e3,
        "wall_ms_each": wall_s / moved * 1e3,
        "mb": mb,
    }


if __name__ == "__main__":
    main()
