"""What the documents say is so: links lead somewhere, commands exist, and blocks marked `python run` run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.cli.main import build

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "changelog.d").glob("*.md")])
BLOCK = re.compile(r"^```python run\n(.*?)^```", re.MULTILINE | re.DOTALL)
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith("https://"):
            continue
        path, _, section = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.exists(), f"{target} leads nowhere"
        assert not section or section in _sections(place), f"{target}: no such section"


@pytest.mark.parametrize("page", [page for page in PAGES if BLOCK.search(page.read_text())], ids=lambda page: page.name)
def test_blocks_marked_as_runnable_run(page: Path) -> None:
    code = "\n".join(BLOCK.findall(page.read_text()))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


@every_page
def test_every_command_that_is_mentioned_exists(page: Path) -> None:
    known = {command.name for command in build().registered_commands} | {
        group.name for group in build().registered_groups
    }
    mentioned = re.findall(r"^(?:\| `|\$ )?outrider ([a-z]+)|`outrider ([a-z]+)", page.read_text(), re.MULTILINE)
    assert {first or second for first, second in mentioned} <= known


def test_the_readme_lists_every_command() -> None:
    readme = (ROOT / "README.md").read_text()
    for command in build().registered_commands:
        assert f"`outrider {command.name}" in readme


def test_the_readme_begins_with_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    assert readme.index("make run") < readme.index("make test") < 300
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"run", "test"} <= set(targets)


def test_the_readme_tells_a_newcomer_what_to_read() -> None:
    table = re.findall(r"^\| \d+–\d+ \| (.*?) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(table) == 7
    for cell in table[1:]:
        target = re.search(r"\]\((.*?)\)", cell)
        assert target is not None
        assert (ROOT / target[1]).is_file()


def test_nothing_tells_of_the_machine_it_was_written_on() -> None:
    private = re.compile(r"/work/|/root/|/home/\w")
    for page in PAGES:
        assert not private.search(page.read_text()), page


def _sections(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
