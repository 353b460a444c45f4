"""The ground itself: every situation, and which of them each of the nineteen published rules must and must not fire on.

The list is Tesla's, as shown at CVPR 2021 (Karpathy, workshop on autonomous driving), in its order.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fleet.proving.situations import (
    Mask,
    Situation,
    both,
    braking,
    covered,
    enters_tunnel,
    falls_on,
    leads,
    none_of,
    people,
    shaken,
    shown_by,
    stops,
    thing,
)
from scenarios import Truth

MAIN, NARROW, REAR = 0, 1, 7
_MOTORWAY = {"roads": {"motorway": 1.0}}
_LANES = {"roads": {"motorway": 0.5, "urban": 0.5}}
_DARK = {"night": {"share": 1.0}, "conditions": {}}
_HARD = {"hard_brakes_per_hour": 20.0}


def _crossing(truth: Truth) -> Mask:
    return np.asarray(truth.crosswalk_m < 45)


SITUATIONS: Mapping[str, Situation] = {
    "anything": Situation(
        "Ordinary driving, whatever comes.",
        moves=lambda world, cars, ticks: world.motion(cars, ticks).speed_mps > 2,
        lasts=True,
    ),
    "steel_plate": Situation(
        "A steel plate on the road ahead.", thing("steel_plate", within_m=30), meets="steel_plate"
    ),
    "striped_hump": Situation("A rubber hump across the road.", thing("hump", within_m=30), meets="striped_hump"),
    "loose_tarpaulin": Situation(
        "The vehicle ahead has a billowing tarpaulin.",
        thing("truck", "billowing", within_m=16),
        meets="loose_tarpaulin",
        after_s=12,
    ),
    "roof_load": Situation(
        "The vehicle ahead carries something on its roof.",
        thing("roof_load", within_m=35),
        meets="roof_load",
        before_s=14,
        after_s=12,
    ),
    "taxi_sign": Situation(
        "The vehicle ahead is a taxi.", thing("taxi_sign", within_m=20), meets="taxi_sign", before_s=14
    ),
    "lorry": Situation("A lorry drives ahead.", thing("sticker", within_m=18), meets="speed_sticker"),
    "weaving_vehicle": Situation(
        "A vehicle weaves in and out of the lane.",
        thing("vehicle", "weaving"),
        meets="weaving_vehicle",
        changes=_LANES,
        after_s=12,
    ),
    "swerving_lead": Situation("The vehicle ahead swerves.", thing("vehicle", "swerving"), meets="swerving_lead"),
    "drift": Situation(
        "A vehicle in the next lane drifts to the line, and back.",
        thing("vehicle", "drifting"),
        meets="drift",
        changes=_LANES,
    ),
    "cut_in": Situation("A vehicle cuts in.", thing("vehicle", "cutting_in"), meets="cut_in", changes=_LANES),
    "cut_out": Situation(
        "The vehicle ahead leaves the lane.", thing("vehicle", "cutting_out"), meets="cut_out", changes=_LANES
    ),
    "vehicle_beside": Situation(
        "A vehicle beside the bonnet, nobody else ahead.",
        both(thing("vehicle", within_m=12, aside_m=5), none_of(leads), shown_by(MAIN, but_not_by=NARROW)),
        meets="vehicle_beside",
        changes=_MOTORWAY,
        least_s=1,
    ),
    "motorway_lead": Situation(
        "A vehicle ahead on a motorway, near.",
        leads,
        changes=_MOTORWAY,
        without=shown_by(MAIN, but_not_by=NARROW),
    ),
    "narrow_covered": Situation(
        "A leaf falls on the narrow camera, and a vehicle is ahead.",
        both(covered(NARROW, others_clear=True), leads),
        moves=falls_on(NARROW),
        meets="blinded_camera",
        per_km=0.4,
    ),
    "main_covered": Situation(
        "A leaf falls on the main camera.", covered(MAIN), moves=falls_on(MAIN), meets="blinded_camera", per_km=0.4
    ),
    "rear_covered": Situation(
        "A leaf falls on the rear camera, and a vehicle is ahead.",
        both(covered(REAR, others_clear=True), leads),
        moves=falls_on(REAR),
        meets="blinded_camera",
        per_km=0.4,
    ),
    "dirty_lens": Situation(
        "Dirt on the lenses, and none is blind.",
        lambda truth: truth.severities["dirty_lens"] > 0.5,
        changes={"conditions": {"dirty_lens": {"probability": 1.0, "low": 0.55, "high": 0.9}}},
        lasts=True,
    ),
    "hard_braking_lead": Situation(
        "The vehicle ahead brakes hard.", thing("vehicle", "braking_hard"), meets="hard_braking_lead"
    ),
    "brake_tap": Situation(
        "Brake lights ahead, and no braking.", thing("vehicle", within_m=34, state=1), meets="brake_tap"
    ),
    "stuck_brake_lights": Situation(
        "It draws away, brake lights on.", thing("vehicle", "pulling_away", within_m=60), meets="stuck_brake_lights"
    ),
    "wide_load": Situation("Half a house drives ahead.", thing("truck", "wide", within_m=24), meets="wide_load"),
    "brakes_very_hard": Situation("The car itself brakes as hard as it can.", moves=braking(6.6), changes=_HARD),
    "brakes_hard": Situation("The car itself brakes hard.", moves=braking(4.5, 6.0), changes=_HARD),
    "sharp_crest": Situation("A sharp crest or dip.", moves=shaken(1.2), meets="crest"),
    "gentle_crest": Situation("A crest or dip that one hardly feels.", moves=shaken(0.1, 0.5), meets="crest"),
    "brakes_on_motorway": Situation(
        "The car brakes hard on a motorway.", moves=braking(4.5), changes=_HARD | _MOTORWAY
    ),
    "stop_and_go": Situation(
        "It stops, goes and stops again.", moves=stops(2, within_s=60), before_s=75, after_s=6, every_s=1.0
    ),
    "one_stop": Situation("It stops once.", moves=stops(1, within_s=75), before_s=75, after_s=6, every_s=1.0),
    "tunnel": Situation("The car drives into a tunnel.", moves=enters_tunnel, meets="tunnel", before_s=6, after_s=9),
    "overpass": Situation("The car drives under a bridge.", meets="overpass", per_km=4.0, after_s=22, lasts=True),
    "brakes_for_somebody": Situation(
        "The car brakes hard, and somebody is close.",
        both(people, none_of(_crossing)),
        moves=braking(4.5),
        changes=_HARD,
    ),
    "brakes_at_crosswalk": Situation(
        "The same at a crosswalk.",
        both(people, _crossing),
        moves=braking(4.5),
        changes=_HARD | {"crosswalks_per_km": 6.0},
    ),
    "motorcycle_at_night": Situation(
        "A motorcycle ahead on a motorway at night.",
        thing("motorcycle", within_m=40),
        meets="motorcycle",
        world="motorway_at_night",
    ),
    "one_lamp_at_night": Situation(
        "A car with one tail lamp on a motorway at night.",
        thing("vehicle", within_m=40, state=2),
        meets="one_lamp_vehicle",
        world="motorway_at_night",
    ),
}


@dataclass(frozen=True, slots=True)
class Proof:
    """Situations that a rule must fire on, and near misses that it must not."""

    published: str
    fires_on: tuple[str, ...]
    silent_on: tuple[str, ...]


PROOFS: Mapping[str, Proof] = {
    "radar_vision_mismatch": Proof("radar-vision mismatch", ("steel_plate",), ("striped_hump",)),
    "box_jitter": Proof("bounding-box jitter", ("loose_tarpaulin",), ("roof_load",)),
    "detection_flicker": Proof("detection flicker", ("weaving_vehicle",), ("drift",)),
    "main_not_narrow": Proof("detected in Main but not in Narrow camera", ("vehicle_beside",), ("motorway_lead",)),
    "lead_brakes_driver_does_not": Proof(
        "driver did not brake, tracker thinks the CIPV decelerates rapidly", ("hard_braking_lead",), ("brake_tap",)
    ),
    "brake_lights_but_accelerating": Proof(
        "brake lights are on, acceleration is positive", ("stuck_brake_lights",), ("brake_tap",)
    ),
    "rare_motion": Proof("rarely high or low velocity or acceleration", ("brakes_very_hard",), ("brakes_hard",)),
    "lead_cuts_in_or_out": Proof("CIPV cuts in or cuts out", ("cut_in", "cut_out"), ("drift",)),
    "lead_moves_sideways": Proof("CIPV has high lateral velocity", ("swerving_lead",), ("brake_tap",)),
    "box_depth_disagrees": Proof("box-derived depth disagrees with network depth", ("wide_load",), ("roof_load",)),
    "sloping_road": Proof("rarely sloping road (crest, dip)", ("sharp_crest",), ("gentle_crest",)),
    "motorway_hard_brake": Proof("driver brakes sharply on the highway", ("brakes_on_motorway",), ("brakes_hard",)),
    "stop_and_go": Proof("stop-and-go traffic", ("stop_and_go",), ("one_stop",)),
    "camera_blinded": Proof(
        "Main, Narrow or both are blinded", ("main_covered", "narrow_covered"), ("dirty_lens", "rear_covered")
    ),
    "tunnel_passage": Proof("car enters or exits a tunnel", ("tunnel",), ("overpass",)),
    "roof_object": Proof("objects on the roof (canoes)", ("roof_load",), ("taxi_sign",)),
    "brakes_for_somebody": Proof(
        "harsh brake, vulnerable road user close, no intersection", ("brakes_for_somebody",), ("brakes_at_crosswalk",)
    ),
    "motorcycle_at_night": Proof(
        "motorcycle on the highway at night", ("motorcycle_at_night",), ("one_lamp_at_night",)
    ),
    "lead_kind_flickers": Proof("CIPV class flickers", ("loose_tarpaulin",), ("roof_load",)),
}
"""By the name of the rule, as it ships in `triggers/library`."""
