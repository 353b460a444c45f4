"""A FleetWise condition in our language: read by a grammar of its own, typed, and written out again.

    || , && , ! , one comparison (< <= > >= == !=), + and - , * and /      loosest to tightest
    $variable.`Vehicle.Speed`   7000   true   'text'   isNull(x)   custom_function('abs', x)

The edge agent compares with a tolerance of 0.001, takes numbers for booleans and booleans for numbers, and counts what
is undefined as false; so does what comes out, where our language can say it, and an error points at the rest.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from triggers.errors import BadExpression, hint

MAX_DEPTH = 32
TOLERANCE = 0.001  # of the edge agent's `==`

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|\$variable\.(?:`(?P<quoted>[^`\n]{1,300})`|(?P<signal>[A-Za-z_][\w.]*))"
    r"|(?P<text>'[^'\n]*'|\"[^\"\n]*\")"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<mark>&&|\|\||<=|>=|==|!=|[-+*/<>(),!]))",
    re.ASCII,
)
_LEVELS = (("||",), ("&&",), ("<", "<=", ">", ">=", "==", "!="), ("+", "-"), ("*", "/"))
_COMPARING, _NEGATION, _SIGN, _ATOM = 2, 5, 6, 7
_OURS = {"||": "or", "&&": "and"}
_INSTEAD = {"=": "`==`", "&": "`&&`", "|": "`||`", "and": "`&&`", "or": "`||`", "not": "`!`"}
_ELEMENTWISE = {"abs": (1, 1), "min": (2, 64), "max": (2, 64)}
_NO_COUNTERPART = ("pow", "log", "ceil", "floor", "python")


@dataclass(frozen=True, slots=True)
class _Token:
    sort: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class _Term:
    """A part of a condition in our words; level: how tightly it holds together; sort: bool, number or text."""

    text: str
    sort: str
    level: int
    at: int
    constant: str = ""


@dataclass(slots=True)
class Translation:
    """What a condition became.

    text: in our language; signals: those that it reads; notes: where it is not quite the same
    """

    text: str = ""
    signals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def translate(condition: str, known: Mapping[str, type], renamed: Mapping[str, str], where: str) -> Translation:
    """The condition in our language.

    known: signal → bool, int, float or str (a code such as SAE_2); renamed: theirs → ours; where: for messages. Raises
    BadExpression, which points at the character.
    """
    return _Translator(condition, known, renamed, where).run()


class _Translator:
    def __init__(self, condition: str, known: Mapping[str, type], renamed: Mapping[str, str], where: str) -> None:
        self.condition, self.known, self.renamed, self.where = condition, known, renamed, where
        self.out = Translation()
        self.depth, self.next = 0, 0
        self.tokens = self._tokens()

    def run(self) -> Translation:
        whole = self._truth(self._chain(0))
        if self.peek.sort != "end":
            self._unexpected()
        self.out.text = whole.text
        self.out.signals = list(dict.fromkeys(self.out.signals))
        self.out.notes = list(dict.fromkeys(self.out.notes))
        return self.out

    # reading

    def _tokens(self) -> list[_Token]:
        found, at = [], 0
        while match := _TOKEN.match(self.condition, at):
            sort = match.lastgroup or ""
            start = match.start(sort) - (len("$variable.`") if sort == "quoted" else 0)
            start -= len("$variable.") if sort == "signal" else 0
            found.append(_Token("signal" if sort == "quoted" else sort, match[sort], start))
            at = match.end()
        at += len(self.condition[at:]) - len(self.condition[at:].lstrip())
        if at < len(self.condition):
            wrong = self.condition[at]
            meant = f"; FleetWise writes {_INSTEAD[wrong]}" if wrong in _INSTEAD else ""
            self._refuse(at, f"'{wrong}' means nothing in a FleetWise condition{meant}")
        return [*found, _Token("end", "", at)]

    @property
    def peek(self) -> _Token:
        return self.tokens[self.next]

    def _take(self, *marks: str) -> _Token | None:
        token = self.peek
        if token.sort != "mark" or token.text not in marks:
            return None
        self.next += 1
        return token

    def _expect(self, mark: str, opening: int) -> None:
        if not self._take(mark):
            if self.peek.sort == "end":
                self._refuse(opening, f"this is never closed with `{mark}`")
            self._unexpected()

    def _chain(self, level: int) -> _Term:
        if level == len(_LEVELS):
            return self._signed()
        left = self._chain(level + 1)
        while token := self._take(*_LEVELS[level]):
            right = self._chain(level + 1)
            join: Callable[[_Token, _Term, _Term], _Term]
            join = self._joined if level < _COMPARING else self._compared if level == _COMPARING else self._counted
            left = join(token, left, right)
        return left

    def _signed(self) -> _Term:
        if token := self._take("!"):
            term = self._truth(self._deeper(token.at, self._signed))
            return _negated(term)
        if token := self._take("-"):
            term = self._number(self._deeper(token.at, self._signed))
            return _Term(f"-{_held(term, _SIGN)}", "number", _SIGN, token.at)
        return self._atom()

    def _atom(self) -> _Term:
        token = self.peek
        self.next += token.sort != "end"
        if token.sort == "number":
            return _Term(token.text, "number", _ATOM, token.at, token.text)
        if token.sort == "signal":
            return self._signal(token)
        if token.sort == "text":
            return _Term(token.text[1:-1], "text", _ATOM, token.at, token.text[1:-1])
        if token.sort == "mark" and token.text == "(":
            inner = self._deeper(token.at, lambda: self._chain(0))
            self._expect(")", token.at)
            return inner
        if token.sort == "word":
            return self._word(token)
        self.next -= token.sort != "end"
        return self._unexpected()

    def _word(self, token: _Token) -> _Term:
        if token.text.lower() in ("true", "false"):
            return _Term(token.text.lower(), "bool", _ATOM, token.at, token.text.lower())
        if token.text not in ("isNull", "custom_function"):
            meant = f"; FleetWise writes {_INSTEAD[token.text.lower()]}" if token.text.lower() in _INSTEAD else ""
            meant = meant or "; a signal is written $variable.`Vehicle.Speed`"
            self._refuse(token.at, f"'{token.text}' means nothing here{meant}")
        opening = self.peek
        if not self._take("("):
            self._refuse(token.at, f"`{token.text}` is a function: {token.text}(…)")
        terms = [self._deeper(opening.at, lambda: self._chain(0))]
        while self._take(","):
            terms.append(self._deeper(opening.at, lambda: self._chain(0)))
        self._expect(")", opening.at)
        return self._is_null(token, terms) if token.text == "isNull" else self._called(terms)

    def _deeper(self, at: int, parse: Callable[[], _Term]) -> _Term:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self._refuse(at, f"more than {MAX_DEPTH} levels deep")
        term = parse()
        self.depth -= 1
        return term

    # writing

    def _signal(self, token: _Token) -> _Term:
        name = self.renamed.get(token.text, token.text)
        if name not in self.known:
            self._refuse(token.at, f"no signal of ours is called '{name}'{hint(name, self.known)}")
        self.out.signals.append(name)
        sort = {bool: "bool", str: "code"}.get(self.known[name], "number")
        return _Term(name, sort, _ATOM, token.at)

    def _is_null(self, token: _Token, terms: Sequence[_Term]) -> _Term:
        if len(terms) != 1 or terms[0].text not in self.out.signals:
            self._refuse(token.at, "`isNull` takes one signal")
        return _Term(f"not defined({terms[0].text})", "bool", _NEGATION, token.at)

    def _called(self, terms: Sequence[_Term]) -> _Term:
        name, rest = terms[0], terms[1:]
        if name.sort != "text":
            self._refuse(name.at, "the first thing in `custom_function` is its name in quotes")
        if name.constant == "MULTI_RISING_EDGE_TRIGGER":
            return self._edges(name, rest)
        if name.constant in _NO_COUNTERPART:
            self._refuse(name.at, f"`{name.constant}` has no counterpart here; make a signal or a trigger kind of it")
        if name.constant not in _ELEMENTWISE:
            known = (*_ELEMENTWISE, "MULTI_RISING_EDGE_TRIGGER")
            self._refuse(name.at, f"nobody here knows the function '{name.constant[:60]}'{hint(name.constant, known)}")
        least, most = _ELEMENTWISE[name.constant]
        if not least <= len(rest) <= most:
            self._refuse(name.at, f"`{name.constant}` takes {least if least == most else 'two or more'} values")
        numbers = ", ".join(self._number(term).text for term in rest)
        return _Term(f"{name.constant}({numbers})", "number", _ATOM, name.at)

    def _edges(self, name: _Term, pairs: Sequence[_Term]) -> _Term:
        if not pairs or len(pairs) % 2 or any(label.sort != "text" for label in pairs[::2]):
            self._refuse(name.at, "`MULTI_RISING_EDGE_TRIGGER` takes pairs of a name in quotes and a condition")
        self.out.notes.append("which of the conditions rose is not recorded: make a trigger of each to tell them apart")
        rising = [f"({_held(term, _NEGATION)} and not was({term.text}))" for term in map(self._truth, pairs[1::2])]
        return _Term(" or ".join(rising), "bool", 0, name.at)

    def _joined(self, token: _Token, left: _Term, right: _Term) -> _Term:
        level = 0 if token.text == "||" else 1
        a, b = (_held(self._truth(term), level) for term in (left, right))
        return _Term(f"{a} {_OURS[token.text]} {b}", "bool", level, left.at)

    def _counted(self, token: _Token, left: _Term, right: _Term) -> _Term:
        level = 3 if token.text in "+-" else 4
        a, b = _held(self._number(left), level), _held(self._number(right), level + 1)
        return _Term(f"{a} {token.text} {b}", "number", level, left.at)

    def _compared(self, token: _Token, left: _Term, right: _Term) -> _Term:
        sorts = {left.sort, right.sort}
        if "code" in sorts or "text" in sorts:
            return self._coded(token, left, right)
        if "bool" in sorts:
            return self._matched(token, left, right)
        if token.text not in ("==", "!="):
            a, b = _held(left, 3), _held(right, 3)
            return _Term(f"{a} {token.text} {b}", "bool", _COMPARING, left.at)
        self.out.notes.append(f"`{token.text}` on numbers became `near` with the edge agent's tolerance, {TOLERANCE}")
        near = _Term(f"near({left.text}, {right.text}, {TOLERANCE})", "bool", _ATOM, left.at)
        return near if token.text == "==" else _negated(near)

    def _matched(self, token: _Token, left: _Term, right: _Term) -> _Term:
        """Two booleans, or a boolean and 0 or 1."""
        if token.text not in ("==", "!="):
            self._refuse(token.at, f"`{token.text}` on true or false has no counterpart; use `==`")
        left, right = self._flag(left), self._flag(right)
        if left.constant and not right.constant:
            left, right = right, left
        if right.constant:
            return left if (right.constant == "true") == (token.text == "==") else _negated(left)
        return _Term(f"{_held(left, 3)} {token.text} {_held(right, 3)}", "bool", _COMPARING, left.at)

    def _flag(self, term: _Term) -> _Term:
        if term.sort == "bool":
            return term
        if term.constant and float(term.constant) in (0.0, 1.0):
            return _Term(
                "true" if float(term.constant) else "false",
                "bool",
                _ATOM,
                term.at,
                str(bool(float(term.constant))).lower(),
            )
        return self._refuse(term.at, "only 0 and 1 can be compared with true or false")

    def _coded(self, token: _Token, left: _Term, right: _Term) -> _Term:
        """A signal whose values are words, such as SAE_2, which are numbers here."""
        if left.sort == "text":
            left, right = right, left
        number = re.fullmatch(r"SAE_([0-5])", right.constant)
        if left.sort != "code" or right.sort != "text" or token.text not in ("==", "!=") or not number:
            self._refuse(token.at, "texts have no counterpart here, but for levels of autonomy such as 'SAE_2'")
        return _Term(f"{left.text} {token.text} {number[1]}", "bool", _COMPARING, left.at)

    def _truth(self, term: _Term) -> _Term:
        """As a condition: the edge agent takes any number but 0 for true."""
        if term.sort == "bool":
            return term
        if term.sort != "number":
            self._refuse(term.at, "a text is neither true nor false")
        if term.constant:
            return _Term("true" if float(term.constant) else "false", "bool", _ATOM, term.at)
        self.out.notes.append("a number stands for a condition: it became `not near(…, 0, 0)`")
        return _Term(f"not near({term.text}, 0, 0)", "bool", _NEGATION, term.at)

    def _number(self, term: _Term) -> _Term:
        if term.sort != "number":
            self._refuse(term.at, "this is no number; our language does not count with true and false, or texts")
        return term

    def _unexpected(self) -> NoReturn:
        token = self.peek
        if token.sort == "end":
            self._refuse(token.at, "the condition ends where a value is missing")
        self._refuse(token.at, f"'{token.text[:60]}' does not belong here")

    def _refuse(self, at: int, problem: str) -> NoReturn:
        raise BadExpression(self.condition, min(at, len(self.condition)), problem, self.where)


def _held(term: _Term, level: int) -> str:
    """The term's text, in parentheses where it would fall apart."""
    return term.text if term.level >= level else f"({term.text})"


def _negated(term: _Term) -> _Term:
    if term.level == _NEGATION:  # a `not` already
        return _Term(term.text.removeprefix("not "), "bool", _NEGATION - 1, term.at)
    return _Term(f"not {_held(term, _NEGATION)}", "bool", _NEGATION, term.at)
