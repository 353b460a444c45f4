"""A small typed language over columns, checked at load: `Vehicle.Speed > 7.2 and not near(a, b, 0.1)`.

An expression becomes a little program for a stack (operands first, then what to do with them), so nothing recurses
when it runs and nothing is ever handed to Python's own evaluator. A row is undefined where any signal it names is
undefined or any arithmetic leaves the numbers (division by zero): it is neither true nor false.

    or, and, not, one comparison (< <= > >= == !=), + and -, * and /, unary -        loosest to tightest
    near(a, b, tolerance)   abs(a)   min(a, b, …)   max(a, b, …)   true   false   7.2   Vehicle.Speed
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from triggers.errors import BadExpression, hint
from triggers.table import SignalTable

MAX_LENGTH = 2048
MAX_DEPTH = 32
EXACT_IN_FLOAT32 = 2**24
LARGEST = float(np.finfo(np.float32).max)

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*(?:\.\w+)*)"
    r"|(?P<mark><=|>=|==|!=|[-+*/<>(),]))",
    re.ASCII,
)
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


class Type(StrEnum):
    """What a value is; integers are kept apart because only they (and booleans) may be compared with `==`."""

    BOOL = "true or false"
    INT = "an integer"
    FLOAT = "a number"


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of the program: what to do, with how many operands; at: the character it came from."""

    op: str
    at: int
    arity: int = 0
    value: Any = None


@dataclass(frozen=True, slots=True)
class _Token:
    sort: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class _Operator:
    """accepts: the types of its operands; gives: its own, None = integer if all operands are; run: on arrays."""

    run: Callable[..., Any]
    accepts: tuple[Type, ...] = (Type.INT, Type.FLOAT)
    gives: Type | None = None
    least: int = 2
    most: int = 2


_NUMBERS = (Type.INT, Type.FLOAT)
_LOGIC = (Type.BOOL,)
_OPERATORS = {
    "or": _Operator(np.logical_or, _LOGIC, Type.BOOL),
    "and": _Operator(np.logical_and, _LOGIC, Type.BOOL),
    "not": _Operator(np.logical_not, _LOGIC, Type.BOOL, 1, 1),
    "<": _Operator(operator.lt, _NUMBERS, Type.BOOL),
    "<=": _Operator(operator.le, _NUMBERS, Type.BOOL),
    ">": _Operator(operator.gt, _NUMBERS, Type.BOOL),
    ">=": _Operator(operator.ge, _NUMBERS, Type.BOOL),
    "==": _Operator(operator.eq, (Type.BOOL, Type.INT, Type.FLOAT), Type.BOOL),
    "!=": _Operator(operator.ne, (Type.BOOL, Type.INT, Type.FLOAT), Type.BOOL),
    "+": _Operator(operator.add),
    "-": _Operator(operator.sub),
    "*": _Operator(operator.mul),
    "/": _Operator(operator.truediv, _NUMBERS, Type.FLOAT),
    "negative": _Operator(operator.neg, _NUMBERS, None, 1, 1),
    "near": _Operator(lambda a, b, tolerance: np.abs(a - b) <= tolerance, _NUMBERS, Type.BOOL, 3, 3),
    "abs": _Operator(np.abs, _NUMBERS, None, 1, 1),
    "min": _Operator(lambda *values: reduce(np.minimum, values), _NUMBERS, None, 2, MAX_LENGTH),
    "max": _Operator(lambda *values: reduce(np.maximum, values), _NUMBERS, None, 2, MAX_LENGTH),
}
_FUNCTIONS = ("near", "abs", "min", "max")
_WORDS = ("or", "and", "not", "true", "false")
_ARITHMETIC = ("+", "-", "*", "/")
_LITERALS = {"flag": Type.BOOL, "integer": Type.INT, "number": Type.FLOAT}


class Expression:
    """A condition on a table's columns. `expression(table)` gives (n,) float32: 1 true, 0 false, NaN undefined.

    text: as written; names: the signals it reads, in order. Raises BadExpression where it does not parse, and, once
    the columns are known (`check`, or the first table), where a name is unknown or a type does not fit.
    """

    threshold = 0.5

    def __init__(self, text: str) -> None:
        self.text = text
        self._steps = _Parser(text).program()
        self.names = tuple(dict.fromkeys(step.value for step in self._steps if step.op == "name"))
        self._checked: tuple[str, ...] | None = None

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def check(self, columns: Mapping[str, np.dtype[Any]]) -> None:
        """Names and types against these columns (name → dtype). Raises BadExpression."""
        types: list[tuple[Type, int]] = []
        for step in self._steps:
            operands = types[len(types) - step.arity :]
            del types[len(types) - step.arity :]
            types.append((self._type_of(step, operands, columns), operands[0][1] if operands else step.at))
        result, _ = types[-1]
        if result is not Type.BOOL:
            self._refuse(0, f"this is {result}, not a condition; compare it with something")

    def __call__(self, table: SignalTable) -> NDArray[np.float32]:
        """1 where true, 0 where false, NaN where undefined; (n,) float32. Raises BadExpression."""
        if any(name not in table.columns for name in self.names):
            self.check({name: table.columns[name].dtype for name in table.columns})
        values = {name: table[name] for name in self.names}
        kinds = tuple(value.dtype.kind for value in values.values())
        if kinds != self._checked:
            self.check({name: value.dtype for name, value in values.items()})
            self._checked = kinds
        defined = np.ones(len(table), np.bool_)
        for name in self.names:
            defined &= table.defined(name)
        with np.errstate(all="ignore"):
            true = self._run(values, defined)
        return np.where(defined, true, np.float32(np.nan)).astype(np.float32, copy=False)

    def _run(self, values: Mapping[str, NDArray[Any]], defined: NDArray[np.bool_]) -> Any:
        stack: list[Any] = []
        for step in self._steps:
            if step.op == "name":
                stack.append(_computable(values[step.value]))
            elif step.op in _LITERALS:
                stack.append(step.value)
            else:
                operands = stack[len(stack) - step.arity :]
                del stack[len(stack) - step.arity :]
                stack.append(_OPERATORS[step.op].run(*operands))
                if step.op in _ARITHMETIC:
                    defined &= np.isfinite(stack[-1])
        return stack.pop()

    def _type_of(self, step: _Step, operands: Sequence[tuple[Type, int]], columns: Mapping[str, np.dtype[Any]]) -> Type:
        if step.op in _LITERALS:
            return _LITERALS[step.op]
        if step.op == "name":
            return self._column_type(step, columns)
        self._check_operands(step, operands)
        types = [each for each, _ in operands]
        return _OPERATORS[step.op].gives or (Type.INT if set(types) == {Type.INT} else Type.FLOAT)

    def _column_type(self, step: _Step, columns: Mapping[str, np.dtype[Any]]) -> Type:
        if step.value in columns:
            return {"b": Type.BOOL, "f": Type.FLOAT}.get(columns[step.value].kind, Type.INT)
        problem = f"unknown signal '{step.value}'{hint(step.value, columns)}"
        if step.value in _FUNCTIONS:
            problem = f"`{step.value}` is a function; write `{step.value}(…)`"
        return self._refuse(step.at, problem)

    def _check_operands(self, step: _Step, operands: Sequence[tuple[Type, int]]) -> None:
        accepts = _OPERATORS[step.op].accepts
        for each, at in operands:
            if each not in accepts:
                self._refuse(at, f"`{_shown(step.op)}` takes {_either(accepts)}, and this is {each}")
        types = {each for each, _ in operands}
        if step.op not in ("==", "!="):
            return
        if Type.BOOL in types and len(types) > 1:
            self._refuse(operands[1][1], f"`{step.op}` compares like with like, and only one side is true or false")
        if Type.FLOAT in types:
            instead = "near(a, b, tolerance)" if step.op == "==" else "not near(a, b, tolerance)"
            self._refuse(step.at, f"`{step.op}` is exact and so never right for such numbers; write `{instead}`")

    def _refuse(self, at: int, problem: str) -> NoReturn:
        raise BadExpression(self.text, at, problem)


class _Parser:
    """From text to steps, by recursive descent; `depth` counts what is open: parentheses, functions, signs."""

    def __init__(self, text: str) -> None:
        self.text, self.depth, self.steps = text, 0, list[_Step]()
        if len(text) > MAX_LENGTH:
            self.refuse(MAX_LENGTH, f"an expression has at most {MAX_LENGTH} characters, and this has {len(text)}")
        self.tokens, self.next = list(self._tokens()), 0

    def program(self) -> tuple[_Step, ...]:
        """All steps in the order in which to run them."""
        self._either()
        if self.peek.sort != "end":
            self._unexpected()
        return tuple(self.steps)

    @property
    def peek(self) -> _Token:
        return self.tokens[self.next]

    def take(self, *texts: str) -> _Token | None:
        """The next token if it is one of these."""
        token = self.peek
        if token.text not in texts or token.sort == "end":
            return None
        self.next += 1
        return token

    def refuse(self, at: int, problem: str) -> NoReturn:
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
            self._comparison()

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
            whole = token.text.isdigit() and int(token.text) <= EXACT_IN_FLOAT32
            self.steps.append(_Step("integer" if whole else "number", token.at, value=self._number(token)))
        elif token.text == "(":
            self.next += 1
            self._deeper(token.at, self._either)
            self._expect(")", token)
        elif token.sort == "name" and token.text.lower() not in _WORDS[:3]:
            self.next += 1
            self._named(token)
        else:
            self._unexpected()

    def _named(self, token: _Token) -> None:
        if token.text.lower() in ("true", "false"):
            self.steps.append(_Step("flag", token.at, value=np.bool_(token.text.lower() == "true")))
        elif opening := self.take("("):
            self._call(token, opening)
        else:
            self.steps.append(_Step("name", token.at, value=token.text))

    def _call(self, token: _Token, opening: _Token) -> None:
        if token.text not in _FUNCTIONS:
            self.refuse(token.at, f"unknown function '{token.text}'{hint(token.text, _FUNCTIONS)}")
        count = 0
        if self.peek.text != ")":
            self._deeper(opening.at, self._either)
            count = 1
            while self.take(","):
                self._deeper(opening.at, self._either)
                count += 1
        self._expect(")", opening)
        rule = _OPERATORS[token.text]
        if not rule.least <= count <= rule.most:
            wanted = f"{rule.least}" if rule.least == rule.most else f"at least {rule.least}"
            self.refuse(token.at, f"`{token.text}` takes {wanted} values, and here are {count}")
        self._emit(token.text, token.at, count)

    def _number(self, token: _Token) -> np.float32:
        if float(token.text) > LARGEST:
            self.refuse(token.at, "this number is larger than any signal can be")
        return np.float32(float(token.text))

    def _emit(self, op: str, at: int, arity: int) -> None:
        self.steps.append(_Step(op, at, arity))

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
            self.refuse(
                token.at, "the expression ends where a value is missing" if self.text.strip() else "it is empty"
            )
        meant = f"; write `{token.text.lower()}`" if token.text.lower() in _WORDS and token.text not in _WORDS else ""
        self.refuse(token.at, f"'{token.text}' does not belong here{meant}")


def _computable(column: NDArray[Any]) -> NDArray[Any]:
    # Integers are counted in float64, where they stay exact up to 2**53 and cannot wrap round.
    return column.astype(np.float64) if column.dtype.kind in "iu" else column


def _shown(op: str) -> str:
    return "-" if op == "negative" else op


def _either(types: Sequence[Type]) -> str:
    return Type.BOOL.value if Type.BOOL in types else "numbers"
