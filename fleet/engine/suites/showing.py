"""A case as a picture, and results as JUnit has them."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from fleet.engine.suites.cases import Case, pixels_hash
from fleet.engine.suites.growing import frames_of, one_thread, opened
from fleet.engine.suites.judging import Verdict
from fleet.engine.suites.running import SliceResult, kept_cases
from fleet.engine.suites.spec import Suite
from fleet.errors import UnknownInSuite
from fleet.report.pictures import png
from fleet.saving import save

_GAP = 4


@one_thread()
def look(suite: Suite, number: int, file: Path | None) -> tuple[Case, bool]:
    """One case, painted again, and whether it is bit by bit what was stored; UnknownInSuite, CannotWrite.

    file: where to write all cameras as one PNG, two columns in the car's order
    """
    cases = kept_cases(suite)
    if number not in cases:
        known = [f"1 to {len(cases)}"] if cases else []
        raise UnknownInSuite("case", str(number), known, f"suite {suite.name!r}")
    case = cases[number]
    [(_, pixels)] = frames_of(opened(case.recipe), [case])
    if file is not None:
        tiles = pixels[0].transpose(0, 2, 3, 1).repeat(3, axis=1).repeat(3, axis=2)  # (cameras, height, width, 3)
        framed = np.pad(tiles, ((0, -len(tiles) % 2), (0, _GAP), (0, _GAP), (0, 0)), constant_values=255)
        rows = [np.concatenate(framed[i : i + 2], axis=1) for i in range(0, len(framed), 2)]
        save(png(np.concatenate(rows)), file)
    return case, pixels_hash(pixels[0].tobytes()) == case.pixels


def junit(suite: Suite, results: Sequence[SliceResult]) -> bytes:
    """The results as a JUnit file: a test case a slice, inconclusive ones skipped with their reason."""
    count = {verdict: str(sum(result.verdict == verdict for result in results)) for verdict in Verdict}
    tests = str(len(results))
    counts = {"failures": count[Verdict.FAIL], "skipped": count[Verdict.INCONCLUSIVE], "errors": "0"}
    root = ET.Element("testsuites")
    inside = ET.SubElement(root, "testsuite", {"name": suite.name, "tests": tests, **counts})
    for result in results:
        test = ET.SubElement(inside, "testcase", classname=suite.name, name=result.asked.name)
        if result.verdict == Verdict.FAIL:
            ET.SubElement(test, "failure", message=result.judged.why).text = result.story()
        elif result.verdict == Verdict.INCONCLUSIVE:
            ET.SubElement(test, "skipped", message=result.judged.why)
        ET.SubElement(test, "system-out").text = result.story()
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"
