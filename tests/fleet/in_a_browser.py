"""A page as a real browser lays it out."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_a_browser = pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
_MEASURED = "<script>document.title = document.documentElement.scrollWidth + ' ' + innerWidth</script>"


class Shown(NamedTuple):
    """The document as the browser has it; how wide it is, and the window, pixels."""

    document: str
    page_width: int
    window_width: int


def shown(page: str, folder: Path, width: int) -> Shown:
    """A page in a window of that width; folder: to write to."""
    file = folder / "shown.html"
    file.write_text(page.replace("</body>", f"{_MEASURED}</body>"))
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command = [str(BROWSER), *options, f"--window-size={width},900", "--dump-dom", file.as_uri()]
    document = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"<title>(\d+) (\d+)</title>", document)
    assert found is not None
    return Shown(document, int(found[1]), int(found[2]))
