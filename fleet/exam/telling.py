"""An exam as plain data: what `--json` prints, and what the spec may carry as its forecast."""

import math
from typing import Any

from fleet.exam.budgeting import RISK, Budget
from fleet.exam.exam import DAY_LOOKS, Exam
from fleet.exam.films import Bill
from triggers import estimate


def told(exam: Exam) -> dict[str, Any]:
    """One object; numbers that are not finite are null."""
    figures, aimed = exam.figures, bool(exam.aim.catches)
    return {
        "trigger": exam.spec.name,
        "version": exam.spec.version,
        "world": exam.order.world,
        "seed": exam.order.seed,
        "verdict": exam.verdict,
        "requirements": estimate.told(exam.verdicts),
        "catches": list(exam.aim.catches),
        "near_misses": list(exam.aim.near_misses),
        "modes": list(exam.scouted.modes),
        "near": list(exam.scouted.near),
        **_modes(exam),
        "precision": figures.precision.told() if aimed else None,
        "recall": figures.recall.told() if aimed else None,
        "fires_per_car_day": figures.fires.told(),
        "false_fires_per_car_day": figures.wrong.told() if aimed else None,
        "events_per_car_day": figures.events.told() if aimed else None,
        "upload_mb_per_car_day": exam.forecast.mb_per_car_day.told(),
        "resolved": figures.resolved,
        "thin": figures.thin,
        "effective_hits": {"right": figures.hits[0], "wrong": figures.hits[1]},
        "guard": {**_guard(exam.guard, exam.order.every_s), "counted_into_figures": not exam.alarming},
        **_parts(exam),
        "fleet": _fleet(exam),
        "forecast": _forecast(exam),
        "cost": {**exam.cost, "dry_run": _bill(exam.bill)},
        "frames_painted": int(exam.cost["frames_painted"]),
        "versus": exam.versus and exam.versus.told(),
    }


def told_budget(found: Budget) -> dict[str, Any]:
    """A budget as one object."""
    chosen = found.offers[found.chosen] if found.chosen >= 0 else None
    offers = [
        {
            "threshold": each.threshold,
            "recall": each.recall.told(),
            "precision": each.precision.told(),
            "upload_mb_per_car_day": each.mb.told(),
            "most_mb_per_car_day": each.most_mb,
        }
        for each in found.offers
    ]
    return {
        "verdict": "fail" if chosen is None else "pass",
        "budget_mb_per_car_day": found.purse.mb_per_car_day,
        "risk": RISK,
        "threshold": None if chosen is None else chosen.threshold,
        "cooldown_s": found.cooldown_s,
        "per_car_day": found.per_car_day,
        "used": found.used,
        "hours_to_them": found.hours.told(),
        "quotas": {
            name: {
                "right_fires": each.count,
                "fleet_total": each.fires,
                "comes": each.comes,
                "hours": each.hours.told(),
            }
            for name, each in found.quotas.items()
        },
        "frontier": offers,
    }


def _parts(exam: Exam) -> dict[str, Any]:
    """Slices and strata."""
    names, slices = ("stratum", "per_car_day", "encounters", "fired"), [each.told() for each in exam.slices]
    return {"slices": slices, "strata": [dict(zip(names, each, strict=True)) for each in exam.strata]}


def _modes(exam: Exam) -> dict[str, Any]:
    """Fires by mode, and how far each sort gets."""
    names = ("about", "way", "right", "fires", "share", "decides")
    return {
        "fires_by_mode": [{name: getattr(each, name) for name in names} for each in exam.modes.fires],
        "gates": {
            "names": list(exam.modes.gates),
            "through": {each.about: list(each.through) for each in exam.modes.passages},
        },
    }


def _guard(guard: estimate.Guard, every_s: float) -> dict[str, Any]:
    looks = DAY_LOOKS / every_s
    return {
        "alarm": guard.alarm or None,
        "car_days": guard.car_days,
        "fleet_frames": guard.car_days * looks,
        "alerts": guard.alerts,
        "strays": guard.strays,
        "foretold": guard.foretold,
        "precision_low": guard.precision_low,
        "power": guard.power,
        "power_of_the_best_test": guard.limit,
        "car_days_needed": _finite(guard.needed),
        "fleet_frames_needed": _finite(guard.needed * looks),
    }


def _bill(bill: Bill) -> dict[str, Any]:
    """Of the dry run: painted now, read from the film, and what that is worth; of the film: all that it ever cost."""
    return {
        "frames_painted": bill.painted,
        "frames_from_film": bill.shown,
        "film_frame_over_painted_frame": bill.share,
        "painted_frame_equivalents": bill.painted_equivalent,
        "film": bill.film or None,
        "film_frames": bill.film_frames,
        "film_painted_cpu_s": bill.film_s,
        "exams_on_this_film": bill.times,
        "triggers_on_this_film": bill.triggers,
    }


def _fleet(exam: Exam) -> dict[str, Any]:
    foretold = exam.forecast
    return {
        "cars": foretold.cars,
        "fires_a_day": foretold.fires.told(),
        "mb_a_day": foretold.mb.told(),
        "clips_a_second_at_the_busiest_hour": foretold.per_second.told(),
        "right_fires_wanted": foretold.wanted,
        "hours_to_them": foretold.first.told(),
        "never": foretold.never or None,
        "kept_of_alerts": foretold.kept,
        "mb_a_clip": exam.clip_mb,
        "days": foretold.days,
        "hours_to_the_fleets_total": None if foretold.full is None else foretold.full.told(),
    }


def _forecast(exam: Exam) -> dict[str, Any]:
    """As a spec's part `forecast` has it: after cooldown and limits, per car and day."""
    a_car = exam.forecast.fires.times(1.0 / exam.forecast.cars)
    mb = exam.forecast.mb_per_car_day
    return {
        "fires_per_car_day": [a_car.low, _finite(a_car.high)],
        "mb_per_car_day": [mb.low, _finite(mb.high)],
        "driving_h": exam.cost["looks_per_car_day"] * exam.order.every_s / 3600.0,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
