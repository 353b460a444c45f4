"""Interference: what a task loses, or gains, where one network learns it together with all the others."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fleet.engine.cards import number
from fleet.engine.figures import EVERYWHERE, Figures, evaluate, overall
from fleet.engine.sampling import Sampler
from fleet.engine.training import Schedule, train_side_by_side
from vehicle import Task


def interference(
    tasks: Mapping[str, Task],
    learn_from: Sampler,
    measure_on: Sampler,
    schedule: Schedule,
    *,
    seed: int,
    cars: int,
    progress: Callable[[int, float], None],
) -> dict[str, dict[str, Any]]:
    """Task to `figure` (ap or mae), `multi`, `single` and `difference`, which is above 0 where company helps.

    One network learns all the tasks and one each of them alone, from the same first weights, batches and steps.
    """
    groups = [tasks, *({name: task} for name, task in tasks.items())]
    networks, _ = train_side_by_side(groups, learn_from, schedule, seed=seed, progress=progress)
    multi, *alone = [found[EVERYWHERE] for found in evaluate(networks, measure_on, cars=cars)]
    compared = {}
    for (name, task), single in zip(tasks.items(), alone, strict=True):
        if row := _compared(multi, single, task.columns(name)):
            compared[name] = row
    return compared


def _compared(multi: Figures, single: Figures, columns: tuple[str, ...]) -> dict[str, Any] | None:
    together, apart = overall(multi, columns), overall(single, columns)
    if together is None or apart is None:
        return None
    kind, of_multi = together
    _, of_single = apart
    better = of_multi - of_single if kind == "ap" else of_single - of_multi
    return {
        "figure": kind,
        "multi": round(of_multi, 4),
        "single": round(of_single, 4),
        "difference": round(better, 4),
        "columns": {column: {"multi": multi.get(column), "single": single.get(column)} for column in columns},
    }


def write_interference(folder: Path, told: Mapping[str, Any]) -> None:
    """interference.json and interference.md; told: what was done, and `tasks`, what came of it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "interference.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    (folder / "interference.md").write_text(_page(told), encoding="utf-8")


def _page(told: Mapping[str, Any]) -> str:
    made = (
        f"Made by `{told['command']}` in {told['minutes']:.1f} minutes: one network for all tasks and one for each, "
        f"{told['steps']} steps of {told['batch']} cars of world `{told['world']}`, seed {told['seed']}; "
        f"measured on {told['measured_on']} moments of seed {told['measured_seed']}."
    )
    words = (
        "`ap` is the mean average precision over a task's outputs, `mae` the mean absolute error; the difference is "
        "above 0 where a task gains by the others, below 0 where they take from it."
    )
    rows = [
        f"| {name} | {row['figure']} | {number(row['multi'])} | {number(row['single'])} | {row['difference']:+.3f} |"
        for name, row in told["tasks"].items()
    ]
    head = "| task | figure | multi | single | difference |\n|---|---|---|---|---|"
    return "\n\n".join(["# Interference", made, words, "\n".join([head, *rows])]) + "\n"
