"""A new kind of trigger is a function from parameters to a function from a table to scores, put into a dict."""

import numpy as np

from triggers import KINDS, Evaluator, Memory, Reason, SignalTable, Trigger, TriggerSpec


def between(*, column: str, low: float, high: float) -> Trigger:
    """Fire where a signal lies inside a band: unsure, but not noise."""

    def score(table: SignalTable) -> np.ndarray:
        value = table[column]
        return (value > low) & (value < high)

    return score


KINDS["between"] = between


def main() -> None:
    """Four cars, three ticks: who is unsure about a pedestrian?"""
    spec = TriggerSpec(
        name="unsure",
        kind="between",
        params={"column": "pedestrians.main", "low": 0.3, "high": 0.7},
        when="Vehicle.IsMoving",
    )
    evaluator = Evaluator(
        [spec],
        Memory(first_car=0, cars=4),
        tick_us=100_000,
        columns={"pedestrians.main": float, "Vehicle.IsMoving": bool},
        backbone="",
    )
    for tick, seen in enumerate([[0.1, 0.1, 0.5, 0.1], [0.1, 0.5, 0.5, 0.5], [0.9, 0.5, 0.5, np.nan]]):
        table = SignalTable(
            cars=np.arange(4, dtype=np.uint32),
            tick=tick,
            columns={
                "pedestrians.main": np.array(seen, np.float32),
                "Vehicle.IsMoving": np.array([True, True, True, False]),
            },
            embedding=np.zeros((4, 0), np.float32),
        )
        verdicts = evaluator.observe(table)
        print(f"tick {tick}:", *(Reason(each).name for each in verdicts.reasons[:, 0]))


if __name__ == "__main__":
    main()
