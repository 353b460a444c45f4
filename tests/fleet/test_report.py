import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from in_a_browser import needs_a_browser, shown
from synthetic_run import FIRES, clip_id, clip_of, write_run

from fleet.errors import NotARun
from fleet.report import open_folder, read_pictures, sheet, write_report
from fleet.report.errors import UnreadableClip
from fleet.report.judged import judge, slice_rows, sought_by
from fleet.report.maps import colours_of, legend_of
from fleet.report.pictures import nearest, png
from fleet.report.svg import across, clock, over_time, short, stack, upward
from scenarios import CLASSES, GRID
from vehicle.map_picture import draw


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "evening")


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return write_report(folder).read_text()


class Page(HTMLParser):
    """What a page refers to, and whether its tags match."""

    VOID = frozenset({"meta", "img", "link", "br", "path", "rect"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "data"}]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in self.VOID or self.open.pop() == tag


def test_the_first_thing_said_is_what_the_run_came_to(page: str) -> None:
    head = page[page.index("<header>") : page.index("</header>")]
    assert "60 cars · 60 s simulated · 30 fires · 30 clips" in head
    assert "MB per car-day" in head
    assert "cd" * 32 in head


def test_a_page_needs_nothing_from_anywhere_else(page: str) -> None:
    parsed = Page(page)
    assert all(source.startswith(("#", "data:image/jpeg;base64,")) for source in parsed.sources)
    assert not {"script", "link", "iframe"} & set(parsed.tags)
    assert "url(" not in page
    assert "@import" not in page


def test_every_tag_is_closed(page: str) -> None:
    assert not Page(page).open


def test_every_drawing_says_in_words_what_it_shows(page: str) -> None:
    drawings = re.findall(r"<svg.*?</svg>", page)
    assert len(drawings) >= 5
    assert all(re.search(r"<title>.+</title><desc>.+</desc>", drawing) for drawing in drawings)


def test_a_complete_run_carries_no_warning(page: str) -> None:
    assert "This run is not complete" not in page


def test_a_killed_run_says_so_first_and_shows_what_it_has(tmp_path: Path) -> None:
    page = write_report(write_run(tmp_path / "killed", complete=False, clips=False)).read_text()
    assert page.index("This run is not complete") < page.index("<nav")
    assert "30 fires" in page


def test_a_run_killed_before_its_first_barrier_is_a_page_of_empty_figures(tmp_path: Path) -> None:
    page = write_report(write_run(tmp_path / "young", complete=False, rows=False)).read_text()
    for words in ("No trigger has fired", "keeps no clip", "No barrier has been reached", "No candidate rides along"):
        assert words in page


def test_a_run_without_truth_judges_nobody(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "blind")
    shutil.rmtree(folder / "tables" / "truth")
    page = write_report(folder).read_text()
    assert "No fire can be judged" in page
    assert "✓ right" not in page


def test_a_damaged_clip_is_named_in_its_place(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "torn")
    for file in (folder / "clips").glob("*.mcap"):
        file.write_bytes(file.read_bytes()[:700])
    assert page_text(write_report(folder)).count("cannot read the clip") > 5


def test_names_from_a_plan_are_escaped(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "sly", rows=False)
    (folder / "plan.yaml").write_text("world: '<script>alert(1)</script>'\ncars: 1\n")
    assert "<script>" not in page_text(write_report(folder))


def test_half_a_manifest_is_an_incomplete_run(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "half", clips=False)
    (folder / "manifest.json").write_text('{"schema": 1, "compl')
    assert "This run is not complete" in page_text(write_report(folder))


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotARun):
        write_report(tmp_path)


def test_a_store_of_many_runs_is_reported_one_run_at_a_time(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "one", clips=False)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"run": "another"}))
    assert open_folder(folder).one("SELECT count(*) FROM fires") == 0


def test_truth_is_read_from_the_run_folder_whatever_store_the_run_used(tmp_path: Path) -> None:
    store, folder = write_run(tmp_path / "store", clips=False), tmp_path / "run"
    folder.mkdir()
    for name in ("plan.yaml", "manifest.json"):
        shutil.copy(store / name, folder)
    run = open_folder(folder, store)
    assert run.one("SELECT count(*) FROM fires") == len(FIRES)
    assert run.one("SELECT count(*) FROM truth") == 0


def test_a_fire_is_right_when_its_thing_was_in_view(folder: Path) -> None:
    run = open_folder(folder)
    slice_rows(run.db)
    judge(run.db)
    rows = run.db.execute('SELECT car, "right" FROM judged').fetchall()
    assert {right for car, right in rows if car % 5 == 0} == {False}
    assert {right for car, right in rows if car % 5 != 0} == {True}


@pytest.mark.parametrize(
    ("trigger", "kind"),
    [("caution_light", "caution_light"), ("unsure_stop_sign_v2", "stop_sign"), ("street_light", None)],
)
def test_a_trigger_looks_for_the_kind_that_its_name_has(trigger: str, kind: str | None) -> None:
    assert sought_by(trigger, {"caution_light", "stop_sign", "sign", "tree"}) == kind


def test_pictures_come_back_in_order_with_their_camera(folder: Path) -> None:
    pictures = read_pictures(folder / "clips" / f"{clip_id(*FIRES[0])}.mcap")
    assert len(pictures) == 18
    assert [picture.t_us for picture in pictures] == sorted(picture.t_us for picture in pictures)
    fired = nearest(pictures, "narrow", FIRES[0][1])
    assert fired is not None
    assert (fired.camera, fired.t_us) == ("narrow", FIRES[0][1])
    assert simplejpeg.decode_jpeg(fired.encoded).shape == (64, 96, 3)


def test_a_sheet_is_a_png_with_a_row_per_camera(folder: Path) -> None:
    raw = sheet(read_pictures(folder / "clips" / f"{clip_id(*FIRES[0])}.mcap"), FIRES[0][1], zoom=1)
    assert raw.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(raw[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == (9 * 100 + 4, 2 * 68 + 4)


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose clips bring two maps a tick: an empty road, and one with a car ahead."""
    cells = np.zeros((2, len(CLASSES), GRID.rows, GRID.columns), np.bool_)
    cells[:, 0, :, 30:50] = True
    cells[1, CLASSES.index("vehicle"), 20:29, 38:42] = True
    return write_run(tmp_path_factory.mktemp("mapped") / "run", maps=[draw(each) for each in cells])


def test_a_sheet_has_a_row_of_maps_per_viewer(mapped: Path) -> None:
    raw = sheet(read_pictures(mapped / "clips" / f"{clip_id(*FIRES[0])}.mcap"), FIRES[0][1], zoom=1)
    width, height = (int.from_bytes(raw[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == (9 * 100 + 4, 2 * 68 + 2 * 84 + 4)


def test_the_report_shows_maps_with_the_names_of_their_classes(mapped: Path) -> None:
    page = write_report(mapped).read_text()
    assert page.count("data:image/png") > 10
    for name in ("viewer-0", "viewer-1", *CLASSES, "this car"):
        assert name.replace("_", " ") in page


def test_a_map_comes_back_in_its_colours(mapped: Path) -> None:
    pictures = read_pictures(mapped / "clips" / f"{clip_id(*FIRES[0])}.mcap")
    empty, taken = (nearest(pictures, name, FIRES[0][1]) for name in ("viewer-0", "viewer-1"))
    assert empty
    assert taken
    differ = (colours_of(empty.encoded) != colours_of(taken.encoded)).any(axis=2)
    assert (np.argwhere(differ).min(axis=0).tolist(), np.argwhere(differ).max(axis=0).tolist()) == ([20, 38], [28, 41])
    colour = dict(legend_of(taken.encoded))["vehicle"]
    assert bytes(colours_of(taken.encoded)[24, 40]).hex() == colour[1:]


@pytest.mark.parametrize("cut", [9, 60, 300])
def test_a_clip_with_a_damaged_map_is_an_error_that_names_the_file(tmp_path: Path, cut: int) -> None:
    whole = draw(np.zeros((len(CLASSES), GRID.rows, GRID.columns), np.bool_))
    clip = replace(clip_of(*FIRES[0]), top_down={"net": [whole[:cut]] * 9}, sha256="")
    clip.write(tmp_path / "odd.mcap")
    with pytest.raises(UnreadableClip, match=r"odd\.mcap.*not a map"):
        read_pictures(tmp_path / "odd.mcap")


def test_a_missing_clip_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableClip, match=r"gone\.mcap"):
        read_pictures(tmp_path / "gone.mcap")


def test_a_png_is_read_back_by_others() -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    import io

    assert np.array_equal(np.asarray(image.open(io.BytesIO(png(pixels)))), pixels)


def test_scales_end_at_round_numbers() -> None:
    assert [word for _, word in upward(38, whole=True).ticks] == ["0", "10", "20", "30", "40"]
    assert [word for _, word in upward(1, whole=True).ticks] == ["0", "1"]
    assert upward(0).high > 0
    assert across(0, 0)(0) > 0
    assert [word for _, word in over_time(0, 3_600_000_000).ticks] == ["00:00", "00:15", "00:30", "00:45", "01:00"]


def test_numbers_and_times_are_short() -> None:
    assert [short(number) for number in (0.05, 1234, 3.4e6)] == ["0.05", "1.23k", "3.4M"]
    assert clock(66_642_000_000) == "18:30:42"


def test_stacked_shares_rest_on_each_other() -> None:
    assert stack([[1, 2], [3, 4]]) == [([0, 0], [1, 2]), ([1, 2], [4, 6])]


@needs_a_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_the_page_without_scrolling_sideways(
    folder: Path, page: str, tmp_path: Path, width: int
) -> None:
    found = shown(page, tmp_path, width)
    assert found.page_width <= found.window_width


def page_text(file: Path) -> str:
    return file.read_text()
