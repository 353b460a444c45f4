import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner, Result

from fleet.cli import world
from fleet.engine.finding import find_things
from fleet.engine.preview import Studio, forced_weather, make_preview
from fleet.errors import FleetError, PluginMissing
from fleet.report.errors import NothingToPreview, UnknownName
from fleet.report.pictures import png
from fleet.report.preview import Box, Preview, Shot, Sight, detail, families, render_preview
from scenarios import CONDITIONS, ENCOUNTERS, ROADS, Condition, ScenarioError, rates, worlds
from scenarios.conditions import View
from scenarios.paint.scene import Kind
from scenarios.sites import Encounter, Sites, thing
from scenarios.slots import Slots

CHOSEN = ("stop_sign", "no_entry", "rain")


def outrider(*words: object) -> Result:
    app = typer.Typer(rich_markup_mode="rich")
    world.register(app)
    app.command("another")(lambda: None)  # a group of one would lose its name
    return CliRunner().invoke(app, ["world", *map(str, words)])


def answer(*words: object) -> dict[str, Any]:
    done = outrider(*words, "--json")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("\n") == 1
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `world preview` says of a small selection, `page` is what it wrote."""
    page = tmp_path_factory.mktemp("preview") / "page.html"
    only = [word for name in CHOSEN for word in ("--only", name)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fleet.engine.finding.BATCHES", 2)
        return answer("preview", "rainy_city", *only, "--out", page)


@pytest.fixture(scope="module")
def page(told: dict[str, Any]) -> str:
    return Path(told["page"]).read_text()


def couch(sites: Sites) -> list[Slots]:
    return [_box(sites, 1.0)]


def crumb(sites: Sites) -> list[Slots]:
    return [_box(sites, 0.001)]


def _box(sites: Sites, metres: float) -> Slots:
    aside = 0.5 * (sites.edge + sites.lane)
    sides, colour = (metres / 2, metres), (0.6, 0.1, 0.6)
    return thing(sites, Kind.BOX, along=sites.along, aside=aside, size=sides, z=(0.0, metres), colour=colour, part=0)


def red(view: View, severity: torch.Tensor) -> View:
    """Everything goes red."""
    return view.mix((1.0, 0.0, 0.0), severity)


def test_every_world_is_listed_with_what_it_is() -> None:
    assert set(answer("list")["worlds"]) == set(worlds())
    assert "rainy_city" in outrider("list").stdout


def test_rates_are_told_by_region_and_road_with_their_sources() -> None:
    found = answer("rates", "europe")
    assert found["per_km"]["stop_sign"]["urban"] == rates.per_km("europe")["stop_sign"][ROADS.index("urban")]
    assert found["sources"]["animal"].startswith("published: 1.8 million")
    assert "stop_sign_held" in outrider("rates").stdout
    assert outrider("rates", "--markdown").stdout == rates.page()


def test_an_unknown_region_comes_with_the_nearest() -> None:
    done = outrider("rates", "europa")
    assert isinstance(done.exception, ScenarioError)
    assert "did you mean 'europe'?" in str(done.exception)


def test_a_preview_has_a_picture_of_everything_asked_for(told: dict[str, Any]) -> None:
    assert told["missing"] == []
    assert told["pictures"] == {"stop_sign": 2, "no_entry": 2, "rain": 4}
    assert Path(told["page"]).stat().st_size == told["bytes"]


def test_the_page_is_self_contained(page: str) -> None:
    sources = re.findall(r'(?:src|href)="(.*?)"', page)
    assert all(source.startswith(("data:image/", "#")) for source in sources)
    assert not re.search(r"<script|@import|url\(", page)
    assert page.count('src="data:image/png') == 2 * 4 + 4  # a detail and the whole, or the whole
    assert page.count('src="data:image/jpeg') == 2 * 4 + 4


def test_the_page_says_how_often_and_what_truth_says(page: str) -> None:
    assert rates.base_rates().rates["no_entry"].source in page
    assert f"{rates.per_km()['stop_sign'][ROADS.index('urban')]:g}</td>" in page
    assert re.search(r"<dt>stop sign</dt><dd>\d+ pixels, \d+% visible", page)
    assert "must not be mistaken for stop_sign" in page


def test_a_condition_is_shown_at_rising_severity(page: str) -> None:
    assert [float(text) for text in re.findall(r"<h4>severity (.*?)</h4>", page)] == pytest.approx(
        [0, 0.33, 0.66, 1], abs=0.02
    )


@pytest.mark.parametrize("name", [name for name in CONDITIONS if name != "rain"])
def test_every_condition_can_be_forced(name: str) -> None:
    studio, tick = Studio("rainy_city", 1), 16 * 36_000
    changes = studio.only("", "urban") | forced_weather(name, 0.66, tick)
    found = studio.open(**changes).severities([5], tick)
    assert float(found.pop(name)[0]) == pytest.approx(0.66, abs=0.02)
    assert all(float(other[0]) == 0.0 for other in found.values())


def test_what_a_user_added_is_shown_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleet.engine.finding.BATCHES", 2)
    monkeypatch.setattr("fleet.engine.preview.SCALE", 1)
    monkeypatch.setitem(ENCOUNTERS, "couch", Encounter("A couch.", couch, ("stop_sign",), per_km=0.02))
    monkeypatch.setitem(CONDITIONS, "redness", Condition(0.0, red))
    made = make_preview("rainy_city", 1, ("couch", "redness"), lambda *_: None)
    assert made.missing == ()
    assert made.things[0].rates == tuple((road, 0.02) for road in ROADS)
    calm, *_, full = made.conditions[0].shots
    assert full.seen[..., 0].mean() > calm.seen[..., 0].mean() + 50
    assert made.conditions[0].says == "Everything goes red."


def test_what_is_not_found_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENCOUNTERS, "crumb", Encounter("Too small to see.", crumb, per_km=1.0))
    monkeypatch.setattr("fleet.engine.finding.BATCHES", 1)
    made = make_preview("rainy_city", 1, ("crumb",), lambda *_: None)
    assert made.missing == ("crumb",)
    text = render_preview(made)
    assert "Not found in any of the moments looked at." in text
    assert "Without a picture: crumb." in text


def test_two_like_worlds_have_nothing_to_find(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleet.engine.finding.BATCHES", 1)
    studio = Studio("rainy_city", 1)
    alike = studio.open(**studio.only("", "urban"))
    assert find_things(alike, alike, (11.0,)) == []


def test_unknown_names_are_refused_with_the_nearest() -> None:
    done = outrider("preview", "rainy_city", "--only", "stop_sing")
    assert isinstance(done.exception, UnknownName)
    assert "unknown encounter, place, condition or road 'stop_sing'; did you mean 'stop_sign'?" in str(done.exception)
    assert isinstance(outrider("preview", "rainy_ciyt").exception, ScenarioError)
    assert isinstance(outrider("preview", "recorded").exception, NothingToPreview)
    assert isinstance(outrider("preview", "rainy_city", "--plugins", "no_such_module").exception, PluginMissing)
    assert issubclass(NothingToPreview, FleetError)


def test_near_misses_stand_beside_what_they_resemble() -> None:
    names = {"sign": (), "lamp": (), "disc": ("sign",), "bag": ("disc",), "alone": ("unshown",), "round": ("round",)}
    things = tuple(Sight(name, "", (), resembles=resembles) for name, resembles in names.items())
    shown = [[each.name for each in family] for family in families(things)]
    assert shown == [["sign", "disc", "bag"], ["lamp"], ["alone"], ["round"]]


@pytest.mark.parametrize("box", [Box(0, 0, 3, 3), Box(90, 60, 96, 64), Box(40, 30, 41, 31), Box(0, 0, 96, 64)])
def test_a_detail_lies_inside_the_picture_around_what_is_meant(box: Box) -> None:
    part = detail(box, 64, 96)
    assert 0 <= part.left <= box.left < box.right <= part.right <= 96
    assert 0 <= part.top <= box.top < box.bottom <= part.bottom <= 64
    assert part.right - part.left >= 30


def test_words_of_a_world_are_escaped() -> None:
    picture = np.zeros((64, 96, 3), np.uint8)
    sight = Sight("x", "<b>", (Shot("<i>", (("<u>", "&"),), picture, picture.repeat(4, 0).repeat(4, 1)),))
    text = render_preview(Preview("w", "<script>", 1, "us", (sight,), (), ()))
    assert not re.search(r"<script|<b>|<i>|<u>", text)
    assert png(picture).startswith(b"\x89PNG")
