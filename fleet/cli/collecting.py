"""The process of `outrider serve`: `telemetry` and as little else as can be, for it is to be small for months.

The command line needs typer, rich and structlog, 20 MB that a server has no use for. So a command that has understood
its words gives its process away to this, and what the world sees of it stays: its number, what it has open, the signals
that it ignores, and its exit code.
"""

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

PROGRAM = "from fleet.cli.collecting import main; main()"
INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What `outrider serve` was told: as `telemetry.serve` takes it, but None and "" for what was left out."""

    store: str
    bind: str
    keys: str | None
    car_bytes: int | None
    fleet_bytes: int | None
    publish: str
    keep_days: int | None
    keep_bytes: int | None
    metrics_port: int | None
    as_json: bool
    verbose: bool


def begin(words: Words) -> NoReturn:
    """Go on as a server and nothing else, with what this process can import."""
    paths = dict.fromkeys(path for path in sys.path if Path(path).exists())
    command = [sys.executable, "-P", "-c", PROGRAM, "outrider serve", json.dumps(asdict(words))]
    os.execve(sys.executable, command, os.environ | {"PYTHONPATH": os.pathsep.join(paths)})  # noqa: S606 - no shell needed


def main() -> None:
    """Collect until told to stop; a user's mistake ends in one screen and exit code 2."""
    from telemetry import TelemetryError

    try:
        _collect(Words(**json.loads(sys.argv[2])))
    except TelemetryError as error:
        from fleet.cli.output import print_error

        print_error(error)
        sys.exit(2)
    except KeyboardInterrupt:  # before it listens; later it is a wish to stop
        sys.exit(INTERRUPTED)


def _collect(words: Words) -> None:
    import telemetry
    from fleet import logs

    def ready(endpoint: str) -> None:
        print(f"listening on {endpoint}, keeping things in {words.store}; Ctrl-C ends it", file=sys.stderr, flush=True)
        if words.as_json:
            sys.stdout.write(json.dumps({"endpoint": endpoint, "store": words.store}) + "\n")
            sys.stdout.flush()

    some = words.keep_days is not None or words.keep_bytes is not None
    limits = telemetry.Limits(days=words.keep_days, nbytes=words.keep_bytes) if some else None
    storage = telemetry.Storage(url=words.publish, limits=limits)
    telemetry.open_destination(storage.url)
    telemetry.serve(
        Path(words.store),
        words.bind,
        ready=ready,
        metrics_port=words.metrics_port,
        keys=telemetry.Keys.found(Path(words.keys)) if words.keys else None,
        quota=telemetry.Quota(car_bytes=words.car_bytes, fleet_bytes=words.fleet_bytes),
        storage=storage,
        tell=logs.plain(verbose=words.verbose),
    )
