"""The two tables of docs/triggers.md, read as a specification, and held against the engine row by row.

`python tests/triggers/test_specification.py` prints what the engine does, to be read before it is put on the page.
"""

import itertools
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from triggers import SignalTable
from triggers.errors import BadExpression
from triggers.expression import Expression
from triggers.language.past import Moment, Past

PAGE = Path(__file__).parents[2] / "docs" / "triggers.md"
Tables = Callable[..., SignalTable]
Story = Callable[..., list[str]]

SORTS = {"true/false": np.bool_, "integer": np.int64, "number": np.float32}
ANY, NUMBERS, FLAGS = tuple(SORTS), ("integer", "number"), ("true/false",)
TAKES = {"anything": ANY, "numbers": NUMBERS, "true/false": FLAGS, "integers or true/false": ("true/false", "integer")}
WRITTEN = (
    ("a or b", "true/false", "true/false", "undefined"),
    ("a and b", "true/false", "true/false", "undefined"),
    ("not a", "true/false", "true/false", "undefined"),
    *((f"a {op} b", "numbers", "true/false", "undefined") for op in ("<", "<=", ">", ">=")),
    *((f"a {op} b", "integers or true/false, of one sort", "true/false", "undefined") for op in ("==", "!=")),
    ("near(a, b, c)", "numbers", "true/false", "undefined"),
    *((f"a {op} b", "numbers", "integer if all are, else number", "undefined") for op in "+-*"),
    ("a / b", "numbers", "number", "undefined"),
    ("-a", "numbers", "integer if all are, else number", "undefined"),
    ("abs(a)", "numbers", "integer if all are, else number", "undefined"),
    ("min(a, b, c)", "numbers", "integer if all are, else number", "undefined"),
    ("max(a, b, c)", "numbers", "integer if all are, else number", "undefined"),
    ("defined(a)", "anything", "true/false", "false"),
    ("min(a over 2 s)", "numbers", "integer if all are, else number", "skipped"),
    ("max(a over 2 s)", "numbers", "integer if all are, else number", "skipped"),
    ("mean(a over 2 s)", "anything", "number", "skipped"),
    ("percentile(a over 2 s, 90)", "numbers", "integer if all are, else number", "skipped"),
    ("rate(a over 2 s)", "numbers", "number", "skipped"),
    ("count(a over 2 s)", "true/false", "integer", "skipped"),
    ("changed(a over 2 s)", "integers or true/false", "true/false", "skipped"),
    ("was(a)", "anything", "the same", "undefined a look later"),
    ("was(a, 2 s)", "anything", "the same", "undefined 2 s later"),
    ("since(a)", "true/false", "number", "skipped"),
    ("a for 2 s", "true/false", "true/false", "undefined, and begins anew"),
)  # fmt: skip


def rows(section: str) -> list[list[str]]:
    """The cells of a table of the page, without its head."""
    text = PAGE.read_text(encoding="utf-8").partition(f"<!-- {section} -->")[2].partition("<!-- end -->")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines[2:]]


OPERATORS = rows("operators")
EDGES = rows("edges")


def test_the_page_says_what_is_agreed() -> None:
    assert [tuple(row) for row in OPERATORS] == list(WRITTEN)


def operands(text: str) -> list[str]:
    return sorted(set(re.findall(r"\b[abc]\b", text)))


def gives(text: str, sorts: tuple[str, ...]) -> str | None:
    """The type of what an expression of columns of these sorts gives; None where it is refused."""
    columns = {name: np.dtype(SORTS[sort]) for name, sort in zip("abc", sorts, strict=False)}
    # What a thing is shows in who takes it: `not` only flags, `==` no numbers that may be broken.
    for probe, sort in ((f"not ({text})", "true/false"), (f"({text}) == 1", "integer"), (f"({text}) < 1", "number")):
        try:
            Expression(probe).check(columns)
        except BadExpression:
            continue
        return sort
    return None


@pytest.mark.parametrize(("text", "takes", "given", "_undefined"), OPERATORS, ids=[row[0] for row in OPERATORS])
def test_every_operator_takes_and_gives_what_the_page_says_for_every_combination_of_types(
    text: str, takes: str, given: str, _undefined: str
) -> None:
    sort, _, alike = takes.partition(", ")
    for sorts in itertools.product(SORTS, repeat=len(operands(text))):
        accepted = all(each in TAKES[sort] for each in sorts) and (not alike or len(set(sorts)) == 1)
        joined = "integer" if set(sorts) == {"integer"} else "number"
        expected = {"integer if all are, else number": joined, "the same": sorts[0]}.get(given, given)
        assert gives(text, sorts) == (expected if accepted else None), sorts


def looks(text: str, sorts: tuple[str, ...], known: list[bool], table: Tables) -> Iterator[float]:
    """What an expression says at looks half a second apart at which its first operand is known or not."""
    graded = gives(text, sorts) != "true/false"
    expression, past = Expression(text, threshold=0.0 if graded else None), Past(1)
    for i, each in enumerate(known):
        columns = {name: np.ones(1).astype(SORTS[sort]) for name, sort in zip("abc", sorts, strict=False)}
        cars = table(tick=5 * i, valid={"a": [each]}, **columns)
        yield float(expression(cars, Moment(past, np.arange(1), 5 * i, 100_000))[0])


UNDEFINED = {  # which of five looks half a second apart are undefined, where the operand is at the fourth
    "undefined": [False, False, False, True, False],
    "false": [False, False, False, False, False],
    "skipped": [False, False, False, False, False],
    "undefined a look later": [True, False, False, False, True],
    "undefined 2 s later": [True, True, True, True, False],
    "undefined, and begins anew": [False, False, False, True, False],
}


@pytest.mark.parametrize(("text", "takes", "_given", "undefined"), OPERATORS, ids=[row[0] for row in OPERATORS])
def test_an_undefined_operand_does_what_the_page_says_for_every_type(
    text: str, takes: str, _given: str, undefined: str, table: Tables
) -> None:
    for sort in TAKES[takes.partition(", ")[0]]:
        sorts = (sort,) * len(operands(text))
        said = list(looks(text, sorts, [True, True, True, False, True], table))
        expected = list(UNDEFINED[undefined])
        expected[0] |= text.startswith("rate")  # a rate takes two samples
        assert [bool(np.isnan(each)) for each in said] == expected
        if undefined == "false":
            assert said == [1, 1, 1, 0, 1]


def told(cells: list[str]) -> tuple[dict[str, float | str], list[float | None], list[bool]]:
    """A row's `fire`, scores and gate, of its first five cells."""
    edge, dwell_s, hysteresis, cooldown_s, course = cells[:5]
    fire = {
        "edge": edge,
        "dwell_s": float(dwell_s),
        "hysteresis": float(hysteresis),
        "cooldown_s": float(cooldown_s),
    }
    marks = course.split()
    scores = [None if mark == "?" else 0.0 if mark == "–" else float(mark) for mark in marks]
    return fire, scores, [mark != "–" for mark in marks]


SHORT = {
    "BELOW": "below",
    "HELD": "held",
    "DWELLING": "dwell",
    "GATED": "gated",
    "UNDEFINED": "undef",
    "COOLDOWN": "cool",
}


def spoken(reasons: list[str]) -> str:
    return " ".join(SHORT.get(reason, reason) for reason in reasons)


@pytest.mark.parametrize("cells", EDGES, ids=[" ".join(row[:4]) for row in EDGES])
def test_every_edge_dwell_hysteresis_and_cooldown_goes_as_the_page_says(cells: list[str], story: Story) -> None:
    fire, scores, moving = told(cells)
    assert spoken(story(scores, moving=moving, fire=fire)) == cells[5]


def test_every_combination_of_edge_dwell_hysteresis_and_cooldown_is_on_the_page() -> None:
    asked = itertools.product(("rising", "falling", "always"), ("0", "1"), ("0", "0.2"), ("0", "3"))
    assert [tuple(row[:4]) for row in EDGES] == list(asked)
    assert all({"?", "–", "0.4", "1", "0"} <= set(row[4].split()) for row in EDGES)


COURSE = "0 1 1 0.4 1 ? 1 0 0 1 – 1 1 0 ? 0 0 1"


def page() -> Iterator[str]:
    """Both tables as the engine has them."""
    from conftest import observe_story

    yield "<!-- operators -->\n| written | takes | gives | an undefined operand |\n|---|---|---|---|"
    yield from (f"| `{text}` | {takes} | {given} | {undefined} |" for text, takes, given, undefined in WRITTEN)
    yield "<!-- end -->\n\n<!-- edges -->\n| edge | dwell_s | hysteresis | cooldown_s | scores | reasons |"
    yield "|---|---|---|---|---|---|"
    for cells in itertools.product(("rising", "falling", "always"), ("0", "1"), ("0", "0.2"), ("0", "3")):
        fire, scores, moving = told([*cells, COURSE])
        reasons = spoken(observe_story(scores, moving=moving, fire=fire))
        yield f"| {' | '.join(cells)} | `{COURSE}` | `{reasons}` |"
    yield "<!-- end -->"


if __name__ == "__main__":
    sys.stdout.write("\n".join(page()) + "\n")
