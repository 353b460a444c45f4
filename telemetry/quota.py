"""How many bytes a car and the fleet may bring in, as buckets that fill again with time."""

from dataclasses import dataclass, field

DAY_S = 86_400.0


@dataclass(slots=True)
class _Bucket:
    """A day's bytes; used up it fills again at a day's bytes a day.

    left: may be below zero, for what came in costs even where it is refused
    """

    daily_bytes: float
    left: float = field(init=False)
    at_s: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.daily_bytes

    def charge(self, nbytes: int, now_s: float) -> float:
        """Take so many; the seconds until there are any again, 0 where there were."""
        self.left = min(self.daily_bytes, self.left + (now_s - self.at_s) * self.daily_bytes / DAY_S)
        self.at_s = now_s
        owing = self.left <= 0
        self.left = max(self.left - nbytes, -self.daily_bytes)
        return -self.left * DAY_S / self.daily_bytes if owing else 0.0


class Quota:
    """Limits of a server; None is none. Times are seconds on a clock that never goes back.

    car_bytes: a day, of each car that a key speaks for; fleet_bytes: a day, of all together
    """

    def __init__(self, *, car_bytes: int | None = None, fleet_bytes: int | None = None) -> None:
        self._car_bytes = car_bytes
        self._fleet = _Bucket(fleet_bytes) if fleet_bytes else None
        self._by_key: dict[str, _Bucket] = {}

    def charge(self, key: str, cars: int | None, nbytes: int, now_s: float) -> float:
        """A message came in under a key that speaks for so many cars, None for any: seconds to wait, 0 to take it."""
        waits = [self._fleet.charge(nbytes, now_s)] if self._fleet else []
        if self._car_bytes and cars:
            if key not in self._by_key:
                self._by_key[key] = _Bucket(self._car_bytes * cars)
            waits.append(self._by_key[key].charge(nbytes, now_s))
        return max(waits, default=0.0)
