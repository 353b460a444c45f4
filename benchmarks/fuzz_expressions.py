"""Conditions from nowhere: every text is an expression or a clear refusal, quickly and in bounded memory.

Texts are random bytes, soups of the language's own words, valid conditions with a few characters changed, nests and
lengths beyond the limits. Each is parsed, checked against typed columns with units and, where it holds, run over a few
cars at three ticks. Prints one line of JSON; `--inputs N` chooses how many texts (default 200,000).

- `escaped`: texts that ended in anything but BadExpression, or that an evaluator then stumbled over;
- `slowest_ms`: CPU time of the slowest text;
- `grown_mb`: how much more memory the second half of the texts left behind than the first.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fleet.measured import Figure, told
from instruments.process import resident_mb
from scenarios.draws import Draws
from triggers import SignalTable
from triggers.errors import BadExpression
from triggers.expression import Expression
from triggers.language.past import Moment, Past

LANGUAGE = """\
and or not for over true false min max mean rate count changed percentile was since near abs defined
( ) , + - * / < <= > >= == != . ^ % ' " & | ! = ; [ ] { } \\ \x00 ü ≤ −
speed gap lead flag gear 0 1 2.5 1e3 .5 1e99 60km/h 2s 500ms 5min 3degrees/s 20percent 4m/s^2
"""
WORDS = LANGUAGE.split()
VALID = (
    "speed > 60 km/h and lead > 0.5",
    "not flag or near(speed, 3.6, 0.1 km/h)",
    "max(speed over 2 s) - min(speed over 2 s) > 5 km/h",
    "percentile(gap over 5 s, 90) / speed < 2 s",
    "(gap < 20 m for 1.5 s) and was(flag, 2 s)",
    "count(lead > 0.5 over 10 s) >= 3 and since(flag) > 1 s",
    "gear == 3 and changed(gear over 5 s)",
    "mean(flag over 3 s) > 0.5 and defined(gap)",
    "abs(rate(speed over 1 s)) * 2 > -(3 - gear) / 4",
    "max(speed, 10 m/s, 1) != 4 or true",
)
COLUMNS: dict[str, Any] = {
    "speed": np.float32,
    "gap": np.float32,
    "lead": np.float32,
    "flag": np.bool_,
    "gear": np.int64,
}
UNITS = {"speed": "km/h", "gap": "m", "lead": "1"}
ROOM = 48  # numbers drawn for a text
BLOCK = 2000


def texts(inputs: int, seed: int = 7) -> Iterator[str]:
    """So many texts, the same for the same seed."""
    draws = Draws(seed)
    for block in range(-(-inputs // BLOCK)):
        chance = draws.uniform("fuzz", np.arange(BLOCK * ROOM), block).reshape(BLOCK, ROOM)
        for row in chance[: inputs - block * BLOCK]:
            yield MAKERS[int(row[0] * len(MAKERS))](row[1:])


def _bytes(chance: np.ndarray) -> str:
    return bytes((chance[1 : 2 + int(chance[0] * 45)] * 256).astype(np.uint8)).decode("latin-1")


def _soup(chance: np.ndarray) -> str:
    words = [WORDS[int(each * len(WORDS))] for each in chance[2 : 3 + int(chance[0] * 44)]]
    return ("" if chance[1] < 0.3 else " ").join(words)


def _changed(chance: np.ndarray) -> str:
    text = VALID[int(chance[0] * len(VALID))]
    for i in range(1, 2 + 4 * int(chance[1] * 8), 4):
        at, new = int(chance[i + 1] * (len(text) + 1)), WORDS[int(chance[i + 2] * len(WORDS))]
        text = text[:at] + (new if chance[i + 3] < 0.7 else "") + text[at + int(chance[i] * 4) :]
    return text


def _joined(chance: np.ndarray) -> str:
    parts = [VALID[int(each * len(VALID))] for each in chance[1 : 2 + int(chance[0] * 6)]]
    return (" and ", " or ", ") and (", " for 1 s and ")[int(chance[8] * 4)].join(parts)


def _deep(chance: np.ndarray) -> str:
    opening = ("(", "not ", "-", "abs(", "max(speed, ", "was(", "min(", "((")[int(chance[0] * 8)]
    depth = int(chance[1] * 60)
    return (
        opening * depth + "speed" + (" over 1 s)" if opening == "min(" else ")") * depth * opening.count("(") + " > 1"
    )


def _long(chance: np.ndarray) -> str:
    part = (" and flag", " + speed", ", speed", "((((", " " * 50, "speed", "9", " for 1 s")[int(chance[0] * 8)]
    return ("flag", "speed", "max(speed")[int(chance[1] * 3)] + part * int(chance[2] ** 3 * 4000)


MAKERS: tuple[Callable[[np.ndarray], str], ...] = (
    _bytes,
    _soup,
    _soup,
    _changed,
    _changed,
    _changed,
    _joined,
    _deep,
    _long,
)


def tables() -> list[SignalTable]:
    """Five cars at three ticks, with gaps in what they know."""
    cars, empty = np.arange(5, dtype=np.uint32), np.zeros((5, 0), np.float32)
    out = []
    for tick in (0, 7, 30):
        columns = {name: _column(sort, i + tick) for i, (name, sort) in enumerate(COLUMNS.items())}
        out.append(SignalTable(cars, tick, columns, empty, {"gap": cars != tick % 5}, units=UNITS))
    return out


def _column(sort: Any, turn: int) -> np.ndarray:
    if sort is np.float32:
        return np.roll(np.array([0, 1, -3.5, 80, np.nan], np.float32), turn)
    codes = np.arange(turn, turn + 5) % 4
    return codes > 1 if sort is np.bool_ else codes


def survives(text: str, seen: list[SignalTable]) -> bool:
    """Whether a text was refused as it should be, or runs and says 0, 1 or nothing of each car. Raises what escapes."""
    try:
        expression = Expression(text)
        expression.check({name: np.dtype(sort) for name, sort in COLUMNS.items()}, UNITS)
    except BadExpression as error:
        return 0 <= error.position <= len(error.text) and "\n" in str(error)
    past = Past(5)
    said = [expression(table, Moment(past, np.arange(5), table.tick, 100_000)) for table in seen]
    return all(bool(np.all((each == 0) | (each == 1) | np.isnan(each))) for each in said)


def run(inputs: int) -> dict[str, float]:
    """Try so many texts."""
    seen, found = tables(), {"escaped": 0.0, "slowest_ms": 0.0}
    memory = [resident_mb()]
    for i, text in enumerate(texts(inputs)):
        before = time.process_time()
        try:
            good = survives(text, seen)
        except Exception as error:  # noqa: BLE001 -- whatever comes out is what is looked for
            print(f"{type(error).__name__}: {error}: {text!r}", flush=True)
            good = False
        found["escaped"] += not good
        found["slowest_ms"] = max(found["slowest_ms"], (time.process_time() - before) * 1e3)
        if i + 1 in (inputs // 2, inputs):
            memory.append(resident_mb())
    return {"inputs": float(inputs), "grown_mb": max(memory[-1] - memory[-2], 0.0), **found}


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--inputs", type=int, default=200_000)
    found = run(asked.parse_args().inputs)
    targets = {"inputs": 200_000.0, "escaped": 0.0, "grown_mb": 5.0, "slowest_ms": None}
    figures = [Figure(name, found[name], target) for name, target in targets.items()]
    print(json.dumps(told("fuzz_expressions", figures)))


if __name__ == "__main__":
    main()
