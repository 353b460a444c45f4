"""`outrider doctor`: what this machine has, and what is missing for which optional part."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

EPILOG = """
[bold]Examples[/bold]

outrider doctor --json
"""
CORE = ("outrider-fleet", "numpy", "torch", "onnxruntime", "pyzmq", "deltalake", "duckdb", "simpy")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked for; found: a version or path, empty where it is missing; needed_for: the optional part."""

    name: str
    found: str
    needed_for: str
    get_it: str


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", epilog=EPILOG)(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Say what is there and what is missing; exit code 2 where the core itself is broken."""
    from fleet.cli.output import console, print_json

    core = {"python": platform.python_version()} | {name: _version(name) for name in CORE}
    optional = [look() for look in OPTIONAL]
    if as_json:
        print_json({"core": core, "cores": _cores(), "optional": [asdict(each) for each in optional]})
    else:
        _print(core, optional)
    if not all(core.values()):
        console().print("[red]the core is incomplete[/red]: run `make run`, or `pip install -e .`")
        raise typer.Exit(2)


def _print(core: dict[str, str], optional: list[Finding]) -> None:
    from rich.table import Table

    from fleet.cli.output import console

    table = Table(box=None, pad_edge=False)
    for column in ("part", "found", "for", "if missing"):
        table.add_column(column)
    for name, version in core.items():
        table.add_row(name, version or "[red]missing[/red]", "everything", "" if version else "make run")
    for each in optional:
        found = each.found or "[yellow]missing[/yellow]"
        table.add_row(each.name, found, each.needed_for, "" if each.found else each.get_it)
    console().print(table)


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _compiler() -> Finding:
    found = next((path for name in ("c++", "g++", "clang++") if (path := shutil.which(name))), "")
    return Finding("C++ compiler", found, "torch.compile on CPU", "install g++ or clang")


def _gpu() -> Finding:
    found = ""
    if importlib.util.find_spec("torch"):
        import torch

        found = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    return Finding("GPU", found, "--device cuda", "an NVIDIA GPU and a CUDA build of torch")


def _chromium() -> Finding:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next((path for name in names if (path := shutil.which(name))), "")
    return Finding("Chromium", found, "tests that look at pages", "install chromium")


def _ray() -> Finding:
    found = importlib.util.find_spec("ray") is not None
    return Finding("Ray", _version("ray") if found else "", "shards on several machines", "pip install ray")


def _onnx() -> Finding:
    found = all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript"))
    hint = "pip install 'outrider-fleet[[export]'"
    return Finding("ONNX export", _version("onnx") if found else "", "outrider train hydranet", hint)


OPTIONAL: tuple[Callable[[], Finding], ...] = (_compiler, _gpu, _chromium, _ray, _onnx)
