"""A condition on signals, checked at load: `Vehicle.Speed > 60 km/h for 2 s and not near(a, b, 0.1)`.

Nothing recurses when it runs, and nothing is ever handed to Python's own evaluator. A row is undefined where any signal
it names is undefined or any arithmetic leaves the numbers (division by zero): it is neither true nor false. What looks
back (`max(a over 2 s)`, `was`, `for`) remembers each car's past, and skips what was undefined.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from triggers.clauses import Clauses, Passed
from triggers.errors import BadExpression, hint
from triggers.language.grammar import MAX_DEPTH, MAX_LENGTH, Literal, Parser, Step
from triggers.language.operators import FUNCTIONS, OPERATORS, WINDOWS, Flags, Type, Window, either
from triggers.language.past import Moment
from triggers.language.units import SECONDS, Unit, unit_named
from triggers.table import SignalTable

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "Expression", "Part"]

_ARITHMETIC = ("+", "-", "*", "/")
Types = Mapping[str, np.dtype[Any]]
Value = float | bool | None


@dataclass(slots=True)
class _Operand:
    """What stands on the stack while types are checked. program: the steps that lead to it."""

    type: Type
    unit: Unit | None
    at: int
    program: list[Step]

    @property
    def bare(self) -> bool:
        """A constant, which takes any unit if it has none, and is converted before a signal is."""
        return len(self.program) == 1 and self.program[0].op == "literal"


@dataclass(frozen=True, slots=True)
class Part:
    """What a part of an expression came to for one car.

    op: `name` for a signal, else the operator; text: as written; unit: "" where there is none
    value: None where it is undefined; operands: what it was made of
    """

    op: str
    text: str
    value: Value
    unit: str
    operands: tuple[Value, ...] = ()


class Expression:
    """A condition on a table's columns. `expression(table)` gives (n,) float32: 1 true, 0 false, NaN undefined.

    text: as written; threshold: None for a condition; else the expression is a number, which holds from there upwards
    names: the signals it reads, in order; windows: what it remembers, by which an evaluator knows that it needs a past

    Raises BadExpression where it does not parse, and, once the columns are known (`check`, or the first table), where a
    name is unknown or a type or unit does not fit.
    """

    def __init__(self, text: str, *, threshold: float | None = None) -> None:
        self.text, self.graded = text, threshold is not None
        self.threshold = 0.5 if threshold is None else threshold
        self._steps = Parser(text).program()
        self.names = tuple(dict.fromkeys(step.what for step in self._steps if step.op == "name"))
        self.windows = tuple(step.what for step in self._steps if isinstance(step.what, Window))
        self._program: list[Step] = []
        self._checked: tuple[str, ...] | None = None
        self._clauses: Clauses | None = None

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def check(self, columns: Types, units: Mapping[str, str] | None = None) -> None:
        """Names, types and units against these columns (name → dtype, name → unit). Raises BadExpression."""
        stack: list[_Operand] = []
        for step in self._steps:
            operands = stack[len(stack) - step.arity :]
            del stack[len(stack) - step.arity :]
            stack.append(self._joined(step, operands, columns, units or {}))
        result = stack.pop()
        if self.graded and result.type is Type.BOOL:
            self._refuse(0, "this is a condition, not a number; what has a threshold is a number")
        if not self.graded and result.type is not Type.BOOL:
            self._refuse(0, f"this is {result.type}, not a condition; compare it with something")
        self._program, self._clauses = result.program, None

    @property
    def clauses(self) -> Clauses:
        """The gates of a condition, once it is checked."""
        if self._clauses is None:
            self._clauses = Clauses(self.text, self._program)
        return self._clauses

    def __call__(
        self, table: SignalTable, past: Moment | None = None, parts: list[Part] | None = None,
        gates: list[Passed] | None = None,
    ) -> NDArray[np.float32]:  # fmt: skip
        """1 where true, 0 where false (or the number itself), NaN where undefined; (n,) float32. Raises BadExpression.

        past: what the cars' past was, to which this moment is added; needed where there are `windows`.
        parts: takes what each step of the way came to for the first car, as explanations want it.
        gates: takes what each gate of a condition came to for every car.
        """
        if any(name not in table.columns for name in self.names):
            self.check({name: table.columns[name].dtype for name in table.columns})
        values = {name: table[name] for name in self.names}
        kinds = tuple(value.dtype.kind for value in values.values())
        if kinds != self._checked:
            self.check({name: value.dtype for name, value in values.items()}, table.units)
            self._checked = kinds
        with np.errstate(all="ignore"):
            noted: list[tuple[Any, Flags]] | None = None if gates is None or self.graded else []
            value, defined = self._run(values, table, past, parts, noted)
        if noted is not None and gates is not None:
            gates.append(Passed(self.clauses, noted, len(table)))
        return np.where(defined, value, np.float32(np.nan)).astype(np.float32, copy=False)

    def _run(
        self, values: Mapping[str, NDArray[Any]], table: SignalTable, past: Moment | None, parts: list[Part] | None,
        noted: list[tuple[Any, Flags]] | None,
    ) -> tuple[Any, Flags]:  # fmt: skip
        everywhere = np.ones(len(table), np.bool_)
        stack: list[tuple[Any, Flags]] = []
        for step in self._program:
            operands: list[tuple[Any, Flags]] = []
            if step.op == "name":
                stack.append((_computable(values[step.what]), table.defined(step.what)))
            elif step.op == "literal":
                stack.append((step.what.value, everywhere))
            else:
                operands = stack[len(stack) - step.arity :]
                del stack[len(stack) - step.arity :]
                stack.append(_applied(step, operands, past, everywhere))
            if noted is not None:
                noted.append(stack[-1])
            if parts is not None and step.written != (0, 0) and step.op != "literal":
                sides = tuple(_first(*each) for each in operands)
                parts.append(Part(step.op, self.text[slice(*step.written)], _first(*stack[-1]), step.unit, sides))
        return stack.pop()

    def _joined(self, step: Step, operands: Sequence[_Operand], columns: Types, units: Mapping[str, str]) -> _Operand:
        if step.op == "literal":
            return _Operand(step.what.type, step.what.unit, step.at, [step])
        if step.op == "name":
            unit = unit_named(units[step.what]) if step.what in units else None
            named = replace(step, unit=unit.name if unit else "")
            return _Operand(self._column_type(step, columns), unit, step.at, [named])
        self._check_types(step, operands)
        unit = self._unit(step, operands)
        self._check_exactness(step, operands)
        types = {each.type for each in operands}
        inherits = Type.BOOL if types == {Type.BOOL} else Type.INT if types == {Type.INT} else Type.FLOAT
        rule = OPERATORS[step.op]
        result = rule.gives or inherits
        unit = None if result is Type.BOOL else unit
        program = operands[0].program
        for each in operands[1:]:
            program += each.program
        what = (step.what, result) if rule.run is None else step.what
        program.append(replace(step, what=what, unit=unit.name if unit else ""))
        return _Operand(result, unit, step.at if _shown(step.op) in FUNCTIONS else operands[0].at, program)

    def _column_type(self, step: Step, columns: Types) -> Type:
        if step.what in columns:
            return {"b": Type.BOOL, "f": Type.FLOAT}.get(columns[step.what].kind, Type.INT)
        problem = f"unknown signal '{step.what}'{hint(step.what, columns)}"
        if step.what in FUNCTIONS:
            problem = f"`{step.what}` is a function; write `{step.what}(…)`"
        return self._refuse(step.at, problem)

    def _check_types(self, step: Step, operands: Sequence[_Operand]) -> None:
        accepts = OPERATORS[step.op].accepts
        for each in operands:
            if each.type not in accepts:
                self._refuse(each.at, f"`{_shown(step.op)}` takes {either(accepts)}, and this is {each.type}")

    def _check_exactness(self, step: Step, operands: Sequence[_Operand]) -> None:
        types = {each.type for each in operands}
        if step.op not in ("==", "!="):
            return
        if Type.BOOL in types and len(types) > 1:
            self._refuse(operands[1].at, f"`{step.op}` compares like with like, and only one side is true or false")
        if Type.FLOAT in types:
            instead = "near(a, b, tolerance)" if step.op == "==" else "not near(a, b, tolerance)"
            self._refuse(step.at, f"`{step.op}` is exact and so never right for such numbers; write `{instead}`")

    def _unit(self, step: Step, operands: Sequence[_Operand]) -> Unit | None:
        """The unit of the result; operands of one sort are converted into one unit. Raises BadExpression."""
        meeting, first = OPERATORS[step.op].units, operands[0].unit
        if meeting == "alike":
            return self._alike(step, operands)
        if meeting == "seconds":
            return SECONDS
        second = SECONDS if meeting == "rate" else operands[-1].unit
        if first is None or second is None or meeting == "none":
            return None  # a bare factor may be there to convert, so what comes of it may be anything
        return first if meeting == "keep" else first * second if meeting == "times" else first / second

    def _alike(self, step: Step, operands: Sequence[_Operand]) -> Unit | None:
        known = [each for each in operands if each.unit]
        if not known:
            return None
        of = next((each for each in known if not each.bare), known[0])
        unit = cast("Unit", of.unit)
        for each in known:
            other = cast("Unit", each.unit)
            if not unit.same(other):
                over = f"; over time, write `{step.op}(… over 2 s)`" if step.op in ("min", "max") else ""
                self._refuse(
                    each.at,
                    f"`{_shown(step.op)}` needs one sort of unit, and this is {other.name} beside {unit.name}{over}",
                )
            if each.unit is not of.unit and other.factor != unit.factor:
                _convert(each, unit.per(other))
        return unit

    def _refuse(self, at: int, problem: str) -> NoReturn:
        raise BadExpression(self.text, at, problem)


def _convert(operand: _Operand, factor: float) -> None:
    """Multiply an operand: a constant at once, a signal whenever it is read."""
    at = operand.at
    if operand.bare:
        value = Literal(np.float32(float(operand.program[0].what.value) * factor), Type.FLOAT)
        operand.program[0] = replace(operand.program[0], what=value)
    else:
        operand.program += [Step("literal", at, what=Literal(np.float32(factor), Type.FLOAT)), Step("*", at, 2)]
    operand.type = Type.FLOAT


def _applied(
    step: Step, operands: Sequence[tuple[Any, Flags]], past: Moment | None, everywhere: Flags
) -> tuple[Any, Flags]:
    defined = operands[0][1]
    for _, also in operands[1:]:
        defined = defined if also is everywhere else also if defined is everywhere else defined & also
    run = OPERATORS[step.op].run
    if run is not None:
        value = run(*(value for value, _ in operands))
        return value, defined & np.isfinite(value) if step.op in _ARITHMETIC else defined
    if step.op == "defined":
        return defined, everywhere
    if past is None:
        raise ValueError(f"`{step.op}` looks back, so it needs the cars' past")
    window, gives = step.what
    value, defined = WINDOWS[step.op](operands[0][0], defined, window, past)
    if gives is Type.BOOL:
        return value > 0, defined
    return value.astype(np.float32) if gives is Type.FLOAT else value, defined


def _first(value: Any, defined: Flags) -> Value:
    """The first car's value, as a plain number or flag."""
    if not defined[0]:
        return None
    first = np.broadcast_to(value, defined.shape)[0]
    return bool(first) if first.dtype == np.bool_ else float(first)


def _computable(column: NDArray[Any]) -> NDArray[Any]:
    # Integers are counted in float64, where they stay exact up to 2**53 and cannot wrap round.
    return column.astype(np.float64) if column.dtype.kind in "iu" else column


def _shown(op: str) -> str:
    return "-" if op == "negative" else op.removesuffix(" over")
