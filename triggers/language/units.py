"""Units of signals and constants, as far as a condition needs them: what may be compared, and by which factor.

Names are those of the Vehicle Signal Specification (`km/h`, `degrees/s`) and a few spellings more.
"""

from dataclasses import dataclass

_LENGTH, _TIME, _ANGLE = (1, 0, 0), (0, 1, 0), (0, 0, 1)
_SPEED, _ACCELERATION, _TURNING, _NONE = (1, -1, 0), (1, -2, 0), (0, -1, 1), (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: `factor` times metres, seconds and degrees to the powers `powers`; name: as written, for messages."""

    name: str
    factor: float
    powers: tuple[int, int, int]

    def __mul__(self, other: "Unit") -> "Unit":
        powers = tuple(a + b for a, b in zip(self.powers, other.powers, strict=True))
        return _named(f"{self.name}*{other.name}", self.factor * other.factor, powers)

    def __truediv__(self, other: "Unit") -> "Unit":
        powers = tuple(a - b for a, b in zip(self.powers, other.powers, strict=True))
        return _named(f"({self.name})/({other.name})", self.factor / other.factor, powers)

    def same(self, other: "Unit") -> bool:
        """Whether a value in the other unit can be converted into this one."""
        return self.powers == other.powers

    def per(self, other: "Unit") -> float:
        """What a value in the other unit is to be multiplied by."""
        return other.factor / self.factor


UNITS = {
    name: Unit(name, factor, powers)
    for name, factor, powers in (
        ("km/h", 1 / 3.6, _SPEED),
        ("m/s", 1.0, _SPEED),
        ("m/s^2", 1.0, _ACCELERATION),
        ("degrees/s", 1.0, _TURNING),
        ("deg/s", 1.0, _TURNING),
        ("degrees", 1.0, _ANGLE),
        ("deg", 1.0, _ANGLE),
        ("mm", 0.001, _LENGTH),
        ("cm", 0.01, _LENGTH),
        ("m", 1.0, _LENGTH),
        ("km", 1000.0, _LENGTH),
        ("ms", 0.001, _TIME),
        ("s", 1.0, _TIME),
        ("min", 60.0, _TIME),
        ("h", 3600.0, _TIME),
        ("percent", 0.01, _NONE),
        ("%", 0.01, _NONE),
        ("1", 1.0, _NONE),
    )
}
"""Every unit that a constant may carry and a signal may have; `1` is a plain ratio, such as a probability."""

SECONDS = UNITS["s"]


def unit_named(name: str) -> Unit | None:
    """The unit of this name; None where it is unknown, and so never refused."""
    return UNITS.get(name)


def _named(name: str, factor: float, powers: tuple[int, ...]) -> Unit:
    """The unit that has a name of its own if there is one, so that messages say `m/s` and not `(m)/(s)`."""
    same = (u for u in UNITS.values() if u.powers == powers and abs(u.factor / factor - 1) < 1e-12)
    length, time, angle = powers
    return next(same, Unit(name, factor, (length, time, angle)))
