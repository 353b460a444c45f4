"""From text to a little program for a stack: operands first, then what to do with them. Nothing is ever evaluated.

or, and, not, CONDITION for 3 s, one comparison (< <= > >= == !=), + and -, * and /, unary -     loosest to tightest
near(a, b, tolerance)   abs(a)   min(a, b, …)   max(a, b, …)   defined(a)   true   false   7.2   60 km/h
min(a over 2 s)   max   mean   rate   count   changed   percentile(a over 2 s, 90)   was(a)   was(a, 2 s)   since(a)
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from triggers.errors import BadExpression, hint
from triggers.language.operators import FUNCTIONS, OPERATORS, OVER, PLAIN, Type, Window
from triggers.language.units import SECONDS, UNITS, Unit

MAX_LENGTH = 2048
MAX_DEPTH = 32
MAX_WINDOW_S = 300
MAX_WINDOWS_S = 600
EXACT_IN_FLOAT32 = 2**24
LARGEST = float(np.finfo(np.float32).max)
DAY_US = 86_400_000_000

_UNIT = "|".join(re.escape(name) for name in sorted(UNITS, key=len, reverse=True) if name != "1")
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:\s*(?:{_UNIT})(?![\w.(]))?)"
    r"|(?P<name>[A-Za-z_]\w*(?:\.\w+)*)"
    r"|(?P<mark><=|>=|==|!=|[-+*/<>(),]))",
    re.ASCII,
)
_DIGITS = re.compile(r"[\d.]+(?:[eE][+-]?\d+)?", re.ASCII)
_INSTEAD = {
    "=": "write `==` to compare",
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "≤": "write `<=`",
    "≥": "write `>=`",
    "≠": "write `!=`",
    "−": "write the minus of the keyboard, `-`",
    "'": "there are no texts here: signals are numbers or true/false",
    '"': "there are no texts here: signals are numbers or true/false",
}
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_LEVELS = (("+", "-"), ("*", "/"))
_WORDS = ("or", "and", "not", "for", "over", "true", "false")


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant, with its unit if one was written."""

    value: Any
    type: Type
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the program. at: the character it came from; arity: how many operands it takes from the stack.

    what: for `name` the signal, for `literal` the constant, for what sees the past its window
    written: first and last+1 character of what it stands for, for explanations; unit: of its value, once checked
    """

    op: str
    at: int
    arity: int = 0
    what: Any = None
    written: tuple[int, int] = (0, 0)
    unit: str = ""


@dataclass(frozen=True, slots=True)
class _Token:
    sort: str
    text: str
    at: int


class Parser:
    """From text to steps, by recursive descent; `depth` counts what is open: parentheses, functions, signs."""

    def __init__(self, text: str) -> None:
        self.text, self.depth, self.steps, self.window_us = text, 0, list[Step](), 0
        self.begins = list[int]()  # of what stands on the stack so far
        if len(text) > MAX_LENGTH:
            self.refuse(MAX_LENGTH, f"an expression has at most {MAX_LENGTH} characters, and this has {len(text)}")
        self.tokens, self.next = list(self._tokens()), 0

    def program(self) -> tuple[Step, ...]:
        """All steps in the order in which to run them. Raises BadExpression."""
        self._either()
        if self.peek.sort != "end":
            self._unexpected()
        return tuple(self.steps)

    @property
    def peek(self) -> _Token:
        """The next token."""
        return self.tokens[self.next]

    def take(self, *texts: str) -> _Token | None:
        """The next token if it is one of these."""
        token = self.peek
        if token.text not in texts or token.sort == "end":
            return None
        self.next += 1
        return token

    def refuse(self, at: int, problem: str) -> NoReturn:
        """Raise BadExpression."""
        shown = self.text if len(self.text) <= MAX_LENGTH else self.text[:60] + "…"
        raise BadExpression(shown, min(at, len(shown)), problem)

    def _tokens(self) -> Iterable[_Token]:
        at = 0
        while match := _TOKEN.match(self.text, at):
            sort = match.lastgroup or ""
            yield _Token(sort, match[sort], match.start(sort))
            at = match.end()
        at += len(self.text[at:]) - len(self.text[at:].lstrip())
        if at < len(self.text):
            wrong = self.text[at]
            self.refuse(at, f"'{wrong}' means nothing here" + (f"; {_INSTEAD[wrong]}" if wrong in _INSTEAD else ""))
        yield _Token("end", "", at)

    def _either(self) -> None:
        self._both()
        while token := self.take("or"):
            self._both()
            self._emit("or", token.at, 2)

    def _both(self) -> None:
        self._negation()
        while token := self.take("and"):
            self._negation()
            self._emit("and", token.at, 2)

    def _negation(self) -> None:
        if token := self.take("not"):
            self._deeper(token.at, self._negation)
            self._emit("not", token.at, 1)
        else:
            self._lasting()

    def _lasting(self) -> None:
        self._comparison()
        while token := self.take("for"):
            self._emit("for", token.at, 1, self._window(self._span_us(DAY_US)))

    def _comparison(self) -> None:
        start = self.peek.at
        self._chain(0)
        if not (token := self.take(*_COMPARISONS)):
            return
        middle = self.peek.at
        self._chain(0)
        self._emit(token.text, token.at, 2)
        if again := self.take(*_COMPARISONS):
            left, between = self.text[start : token.at].strip(), self.text[middle : again.at].strip()
            advice = f"write `{left} {token.text} {between} and {between} {again.text} …`"
            self.refuse(again.at, f"comparisons do not chain; {advice}")

    def _chain(self, level: int) -> None:
        if level == len(_LEVELS):
            self._signed()
            return
        self._chain(level + 1)
        while token := self.take(*_LEVELS[level]):
            self._chain(level + 1)
            self._emit(token.text, token.at, 2)

    def _signed(self) -> None:
        if token := self.take("-"):
            self._deeper(token.at, self._signed)
            self._emit("negative", token.at, 1)
        else:
            self._atom()

    def _atom(self) -> None:
        token = self.peek
        if token.sort == "number":
            self.next += 1
            self._emit("literal", token.at, 0, self._number(token))
        elif token.text == "(":
            self.next += 1
            self._deeper(token.at, self._either)
            self._expect(")", token)
            self.begins[-1] = token.at
        elif token.sort == "name" and token.text.lower() not in _WORDS[:5]:
            self.next += 1
            self._named(token)
        else:
            self._unexpected()

    def _named(self, token: _Token) -> None:
        if token.text.lower() in ("true", "false"):
            value = Literal(np.bool_(token.text.lower() == "true"), Type.BOOL)
            self._emit("literal", token.at, 0, value)
        elif opening := self.take("("):
            self._call(token, opening)
        else:
            self._emit("name", token.at, 0, token.text)

    def _call(self, token: _Token, opening: _Token) -> None:
        name = token.text
        if name not in FUNCTIONS:
            self.refuse(token.at, f"unknown function '{name}'{hint(name, FUNCTIONS)}")
        count = 0
        if self.peek.text != ")":
            self._deeper(opening.at, self._either)
            count = 1
        if over := self.take("over"):
            self._over(token, over, opening)
        elif name in OVER and name not in PLAIN:
            self._expect_window(token, opening, count)
        elif name in ("was", "since"):
            self._remembered(token, opening, count)
        else:
            self._plain(token, opening, count)

    def _plain(self, token: _Token, opening: _Token, count: int) -> None:
        while count and self.take(","):
            self._deeper(opening.at, self._either)
            count += 1
        self._expect(")", opening)
        rule = OPERATORS[token.text]
        if not rule.least <= count <= rule.most:
            wanted = f"{rule.least}" if rule.least == rule.most else f"at least {rule.least}"
            values, are = "value" if wanted == "1" else "values", "is" if count == 1 else "are"
            over = f"; over time, write `{token.text}(… over 2 s)`" if token.text in OVER and count == 1 else ""
            self.refuse(token.at, f"`{token.text}` takes {wanted} {values}, and here {are} {count}{over}")
        self._emit(token.text, token.at, count)

    def _over(self, token: _Token, over: _Token, opening: _Token) -> None:
        if token.text not in OVER:
            self.refuse(over.at, f"`{token.text}` looks at one moment; over time there are {', '.join(OVER)}")
        window = self._window(self._span_us(MAX_WINDOW_S * 1_000_000))
        if token.text == "percentile":
            window = Window(window.name, window.span_us, self._percent(token))
        self._expect(")", opening)
        self._emit(f"{token.text} over", token.at, 1, window)

    def _expect_window(self, token: _Token, opening: _Token, count: int) -> NoReturn:
        if count and self.peek.sort == "end":
            self._expect(")", opening)
        percent = ", 90" if token.text == "percentile" else ""
        self.refuse(token.at, f"`{token.text}` looks at a window; write `{token.text}(… over 2 s{percent})`")

    def _remembered(self, token: _Token, opening: _Token, count: int) -> None:
        span_us = 0
        if token.text == "was" and count and self.take(","):
            span_us = self._span_us(MAX_WINDOW_S * 1_000_000)
        self._expect(")", opening)
        if not count:
            self.refuse(token.at, f"`{token.text}` takes 1 value, and here are 0")
        self._emit(token.text, token.at, 1, self._window(span_us))

    def _window(self, span_us: int) -> Window:
        return Window(str(len(self.steps)), span_us)

    def _span_us(self, most_us: int) -> int:
        """A duration, in microseconds; windows add up to what a condition may remember."""
        token = self.peek
        if token.sort != "number":
            self.refuse(token.at, "a number of seconds is missing, such as `2 s`")
        self.next += 1
        number = self._number(token)
        if number.unit is None or not number.unit.same(SECONDS):
            self.refuse(token.at, f"a time needs its unit: `{_DIGITS.match(token.text)[0]} s`, `ms` or `min`")  # type: ignore[index]
        span_us = round(float(_DIGITS.match(token.text)[0]) * number.unit.factor * 1e6)  # type: ignore[index]
        if not 0 < span_us <= most_us:
            self.refuse(token.at, f"this time must be more than 0 s and at most {most_us // 1_000_000} s")
        if most_us < DAY_US:
            self.window_us += span_us
        if self.window_us > MAX_WINDOWS_S * 1_000_000:
            self.refuse(token.at, f"the windows of an expression add up to at most {MAX_WINDOWS_S} s")
        return span_us

    def _percent(self, token: _Token) -> float:
        if not self.take(","):
            self.refuse(self.peek.at, f"`{token.text}` needs to know which: write `{token.text}(… over 2 s, 90)`")
        number = self.peek
        value = self._number(number) if number.sort == "number" else None
        if (
            value is None
            or not 0 <= value.value <= 100
            or not (value.unit is None or value.unit.name in ("percent", "%"))
        ):
            self.refuse(number.at, "which percentile is a number from 0 to 100")
        self.next += 1
        return float(value.value)

    def _number(self, token: _Token) -> Literal:
        digits = _DIGITS.match(token.text)
        assert digits is not None  # noqa: S101 -- the token's own pattern begins with it
        if float(digits[0]) > LARGEST:
            self.refuse(token.at, "this number is larger than any signal can be")
        whole = digits[0].isdigit() and int(digits[0]) <= EXACT_IN_FLOAT32
        unit = UNITS.get(token.text[digits.end() :].strip())
        return Literal(np.float32(float(digits[0])), Type.INT if whole else Type.FLOAT, unit)

    def _emit(self, op: str, at: int, arity: int, what: Any = None) -> None:
        last = self.tokens[self.next - 1]
        begin = min(at, *self.begins[len(self.begins) - arity :]) if arity else at
        self.begins[len(self.begins) - arity :] = [begin]
        self.steps.append(Step(op, at, arity, what, (begin, last.at + len(last.text))))

    def _deeper(self, at: int, parse: Callable[[], None]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.refuse(at, f"an expression is at most {MAX_DEPTH} levels deep")
        parse()
        self.depth -= 1

    def _expect(self, mark: str, opening: _Token) -> None:
        if not self.take(mark):
            if self.peek.sort == "end":
                self.refuse(opening.at, f"this parenthesis is never closed with `{mark}`")
            self._unexpected()

    def _unexpected(self) -> NoReturn:
        token = self.peek
        if token.sort == "end":
            missing = "the expression ends where a value is missing" if self.text.strip() else "it is empty"
            self.refuse(token.at, missing)
        meant = f"; write `{token.text.lower()}`" if token.text.lower() in _WORDS and token.text not in _WORDS else ""
        self.refuse(token.at, f"'{token.text}' does not belong here{meant}")
