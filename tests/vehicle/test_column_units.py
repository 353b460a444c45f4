from telemetry.vss import SIGNALS
from vehicle.networks import Network
from vehicle.signals import VSS, column_types
from vehicle.units import VSS_UNITS, column_units


def test_units_of_the_car_are_those_of_the_specification() -> None:
    assert {path: signal.unit for path, signal in SIGNALS.items() if signal.unit and path in VSS} == VSS_UNITS


def test_answers_of_a_network_are_probabilities_or_say_their_unit(production: Network) -> None:
    units = column_units(production)
    assert units.keys() <= column_types(production).keys()
    for name, unit in {"weather.rain": "1", "lane.offset_m": "m", "lane.heading_deg": "degrees"}.items():
        assert units.get(name, unit) == unit
    assert set(units.values()) <= {*VSS_UNITS.values(), "1"}
    assert "1" in units.values()
