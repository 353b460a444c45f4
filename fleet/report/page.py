"""One self-contained page about a run: no script, no font, no picture comes from anywhere else."""

import json
from dataclasses import dataclass
from pathlib import Path

import yaml
from markupsafe import Markup

from fleet.errors import CannotWrite
from fleet.report.figures import (
    contact_sheet,
    delivery,
    deployed,
    fleet_map,
    networks,
    over_time,
    precision,
    shadow,
    silence,
)
from fleet.report.folder import Run, open_folder
from fleet.report.judged import judge, slice_rows
from fleet.report.summary import summarize
from fleet.report.templates import style, template


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its figures, two abreast where the window is wide."""

    id: str
    title: str
    says: str
    figures: tuple[Markup, ...]


def write_report(run_folder: Path, store: Path | None = None) -> Path:
    """Write `report.html` into a run folder and return its path; a partial run gets a page that says so.

    store: where the collection server keeps tables and clips, when that is not the run folder
    Raises NotARun for any other folder, CannotWrite when the page cannot be written.
    """
    run = open_folder(run_folder, store)
    page = run_folder / "report.html"
    beside = page.with_suffix(".html.part")
    try:
        beside.write_text(render(run), encoding="utf-8")
        beside.replace(page)
    except OSError as error:
        raise CannotWrite(page, error) from error
    return page


def render(run: Run) -> str:
    """The page as text."""
    slice_rows(run.db)
    judge(run.db)
    return template("report.html.j2").render(
        summary=summarize(run),
        sections=_sections(run),
        style=style(),
        plan=yaml.safe_dump(dict(run.plan), sort_keys=False),
        manifest=json.dumps(run.manifest, indent=2),
    )


def _sections(run: Run) -> list[Section]:
    db = run.db
    return [
        Section(
            "clips", "Clips", "What the triggers caught, as the cameras saw it.", (contact_sheet.contact_sheet(run),)
        ),
        Section(
            "triggers",
            "Triggers",
            "When they fired, how often they were right, what they missed, and why they were silent.",
            (over_time.fires_over_time(db), precision.precision(db), precision.misses(db), silence.reasons(db)),
        ),
        Section("map", "Map", "", (fleet_map.fleet_map(db),)),
        Section(
            "upload",
            "Upload",
            "How clips left the cars: a slow link costs simulated time, a full outbox costs clips.",
            (
                over_time.uploads_over_time(db),
                over_time.outboxes_over_time(db),
                delivery.delays(db),
                over_time.links_over_time(db),
                delivery.outcomes(db),
            ),
        ),
        Section(
            "shadow", "Shadow", "What a candidate would have seen differently, riding along.", (shadow.shadow(db),)
        ),
        Section("software", "Software", "", (networks.networks(run), networks.triggers(run), deployed.deployed(db))),
    ]
