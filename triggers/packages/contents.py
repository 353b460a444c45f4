"""The inside of a package: specs and the files they name, each trigger in a folder of its own name."""

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import get_args

from triggers.errors import TriggerError
from triggers.kinds import KINDS, build
from triggers.packages.archive import holds
from triggers.packages.errors import CannotPack, MalformedPackage
from triggers.spec import TriggerSpec, check, load_spec, path_of
from triggers.yaml_source import read_yaml


def gather(name_or_path: str | Path) -> tuple[TriggerSpec, str, dict[str, bytes]]:
    """A spec, the backbone it is fitted to ("": none) and its files, `trigger/file` → content.

    Raises CannotPack, and TriggerError of every sort where the spec does not hold or its weights cannot be used.
    """
    spec, path = load_spec(name_or_path), path_of(name_or_path)
    backbone = getattr(build(spec.kind, spec.params, spec.folder), "backbone", "")
    files = {spec_file(spec.name): path.read_bytes()}
    for name in named_files(spec):
        if not _packable(spec.name, name):
            raise CannotPack(spec.where("params"), f"'{name}' must be the plain name of a file beside the spec")
        files[f"{spec.name}/{name}"] = (spec.folder / name).read_bytes()
    return spec, backbone if isinstance(backbone, str) else "", files


def read_specs(files: Mapping[str, bytes], folder: Path) -> tuple[TriggerSpec, ...]:
    """The specs among files (`trigger/file` → content), by name; folder: where what they name will lie.

    Raises MalformedPackage where one does not hold, or names what the package does not have.
    """
    names = sorted({name.partition("/")[0] for name in files})
    specs = tuple(_read_spec(name, files, folder) for name in names)
    wanted = {spec_file(spec.name) for spec in specs} | {f"{s.name}/{file}" for s in specs for file in named_files(s)}
    for name in sorted(files.keys() - wanted):
        raise MalformedPackage(f"no spec names its file '{name}'")
    return specs


def named_files(spec: TriggerSpec) -> Iterator[str]:
    """What the spec's parameters say for those that its kind takes for files."""
    for name, asked in inspect.signature(KINDS[spec.kind]).parameters.items():
        sorts = (asked.annotation, *get_args(asked.annotation))
        if Path in sorts and spec.params.get(name) is not None:
            yield str(spec.params[name])


def spec_file(trigger: str) -> str:
    """Where a trigger's spec stands."""
    return f"{trigger}/{trigger}.yaml"


def _read_spec(name: str, files: Mapping[str, bytes], folder: Path) -> TriggerSpec:
    file = spec_file(name)
    try:
        spec = TriggerSpec.of(read_yaml(files[file].decode(), PurePosixPath(file).name), folder / name)
        check(spec)
    except KeyError:
        raise MalformedPackage(f"'{name}' has no {file}") from None
    except (TriggerError, UnicodeDecodeError) as error:
        raise MalformedPackage(f"{file}: {error}") from None
    if spec.name != name:
        raise MalformedPackage(f"{file} is of a trigger called '{spec.name}'")
    for each in named_files(spec):
        if not _packable(name, each) or f"{name}/{each}" not in files:
            raise MalformedPackage(f"{file} names '{each}', which the package does not have")
    return spec


def _packable(trigger: str, file: str) -> bool:
    return holds(f"targets/{trigger}/{file}") and f"{trigger}/{file}" != spec_file(trigger)
