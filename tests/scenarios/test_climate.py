import csv
import gzip
import io
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pvlib
import pytest
from fixtures import DATA

from scenarios.climate import fog_severity, hours_digest, hours_of, rain_severity, snow_severity
from scenarios.errors import BadHours

HEAD = "time,rain_mm,snow,visibility_m,cloud"
SHIPPED = Path(pvlib.__file__).parent / "data"


def year(**changed: str) -> list[str]:
    """A dry clear year; `h5="2.0,0,9000,0.5"` says what the hour 5 has instead."""
    start = datetime(2013, 1, 1)  # noqa: DTZ001 - local standard time, as the files have it
    times = [(start + timedelta(hours=hour)).isoformat(timespec="minutes") for hour in range(8760)]
    return [f"{time},{changed.get(f'h{hour}', '0.0,0,16000,0.25')}" for hour, time in enumerate(times)]


def save(path: Path, lines: list[str], head: str = HEAD) -> str:
    path.write_text("\n".join([head, *lines]) + "\n")
    return str(path)


def test_rain_is_light_moderate_and_heavy_at_the_rates_of_the_glossary() -> None:
    light, moderate, heavy = rain_severity(np.array([2.49, 7.59, 7.7]))
    assert 0.1 < light < 0.35 < moderate < 0.6 < heavy
    assert rain_severity(np.array([0.0, 500.0])).tolist() == [0.0, 1.0]


def test_snow_is_light_moderate_and_heavy_by_how_far_one_sees() -> None:
    heavy, moderate, light = snow_severity(np.array([499.0, 999.0, 1001.0]))
    assert 0.1 < light < 0.35 < moderate < 0.6 < heavy


def test_fog_is_what_hides_things_a_kilometre_away() -> None:
    sight = np.array([50.0, 100.0, 400.0, 900.0])
    assert np.allclose(3.0 / (0.0033 + 0.11 * fog_severity(sight)), sight)  # as it is painted
    assert fog_severity(np.array([1000.0, np.inf, 0.0])).tolist() == [0.0, 0.0, 1.0]


def test_hours_of_greensboro_are_those_in_the_file() -> None:
    with (SHIPPED / "723170TYA.CSV").open() as file:
        rows = list(csv.DictReader(io.StringIO(file.read().partition("\n")[2])))
    code = np.array([int(row["PresWth (METAR code)"]) for row in rows])
    gauge = np.array([float(row["Lprecip depth (mm)"]) for row in rows])
    hours = hours_of("greensboro")
    falls = (gauge > 0) | (code >= 50)  # from 50 on, table 4677 is all precipitation
    assert np.array_equal((hours.rain > 0) | (hours.snow > 0), falls)
    assert 0.055 < falls.mean() < 0.065
    assert (hours.snow[code == 71] > 0).all()
    assert 12 < (hours.rain >= 0.6).sum() < 50  # hours with more than 7.6 mm; the gauge counts tenths of a millimetre


def test_it_rains_at_night_in_greensboro_in_one_hour_of_forty() -> None:
    with (SHIPPED / "723170TYA.CSV").open() as file:
        rows = list(csv.DictReader(io.StringIO(file.read().partition("\n")[2])))
    dark = np.array([row["ETR (W/m^2)"] == "0" for row in rows])
    assert ((hours_of("greensboro").rain > 0) & dark).mean() == pytest.approx(0.025, abs=0.002)
    assert ((hours_of("greensboro").rain >= 0.6) & dark).mean() < 0.002


def test_miami_has_rain_and_no_snow() -> None:
    hours = hours_of("miami")
    assert 0.03 < (hours.rain > 0).mean() < 0.05
    assert not hours.snow.any()
    assert 0 < (hours.fog > 0).sum() < 30


@pytest.mark.parametrize("name", ["greensboro", "miami"])
def test_hours_are_a_year_of_shares(name: str) -> None:
    hours = hours_of(name)
    for values in (hours.rain, hours.snow, hours.fog, hours.cloud):
        assert (values.shape, values.dtype) == ((8760,), np.float32)
        assert 0.0 <= values.min() <= values.max() <= 1.0
    assert not ((hours.rain > 0) & (hours.snow > 0)).any()


def test_a_file_of_ones_own_is_read_hour_by_hour(tmp_path: Path) -> None:
    lines = year(h0="8.0,0,,1", h30="1.0,1,700,1", h50="0,0,200,0.5", h60="0,1,900,")
    hours = hours_of(save(tmp_path / "own.csv", lines))
    assert np.flatnonzero(hours.rain).tolist() == [0]
    assert np.flatnonzero(hours.snow).tolist() == [30]  # where nothing falls, snow is said in vain
    assert np.flatnonzero(hours.fog).tolist() == [50, 60]  # falling snow explains its short sight itself
    assert hours.cloud[[0, 30, 50, 60, 61]].tolist() == [1.0, 1.0, 0.5, 0.25, 0.25]  # a gap takes the hour before


def test_hours_that_are_not_there_take_the_hour_before(tmp_path: Path) -> None:
    lines = year(h100="5.0,0,9000,1")
    hours = hours_of(save(tmp_path / "gap.csv", lines[:101] + lines[110:]))
    assert np.flatnonzero(hours.rain).tolist() == list(range(100, 110))


def test_a_leap_day_is_left_out(tmp_path: Path) -> None:
    lines = [line.replace("2013-", "2012-", 1) for line in year()]
    lines.insert(59 * 24, "2012-02-29T00:00,50.0,0,100,1")
    assert not hours_of(save(tmp_path / "leap.csv", lines)).rain.any()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2013-01-01T00:00,x,0,,0", ":2: rain_mm is 'x'; expected nothing, or a number from 0 to 305"),
        ("2013-01-01T00:00,0,0,,50", ":2: cloud is '50'; expected nothing, or a number from 0 to 1"),
        ("2013-01-01T00:00,-1,0,,0", ":2: rain_mm is '-1'"),
        ("midnight,0,0,,0", ":2: time is 'midnight'; expected a time such as"),
        ("2013-01-01T00:00,0,0,,0\n2014-01-01T00:00,0,0,,0", ":3: '2014-01-01T00:00' is of another year"),
        ("2013-01-01T00:00,0,0,,0", ": rain_mm is known for 1 hours; expected at least nine in ten"),
    ],
)
def test_a_bad_file_of_hours_is_told_by_line_and_column(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(BadHours) as caught:
        hours_of(save(tmp_path / "bad.csv", [line]))
    assert message in str(caught.value)


def test_a_file_without_a_column_is_told_which(tmp_path: Path) -> None:
    with pytest.raises(BadHours, match="no column 'visibility_m'; expected time,rain_mm,snow,visibility_m,cloud"):
        hours_of(save(tmp_path / "bad.csv", year(), head="time,rain_mm,snow,sight,cloud"))


def test_other_hours_have_another_digest(tmp_path: Path) -> None:
    dry, wet = save(tmp_path / "dry.csv", year()), save(tmp_path / "wet.csv", year(h7="1.0,0,9000,1"))
    copy = save(tmp_path / "copy.csv", year())
    assert hours_digest(dry) == hours_digest(copy) != hours_digest(wet)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no weather data at {DATA}; set OUTRIDER_DATA")
def test_new_york_has_as_much_weather_as_the_noaa_counted(tmp_path: Path) -> None:
    with gzip.open(DATA / "weather" / "noaa_nyc_hourly_2013.csv.gz", "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["origin"] == "JFK"]
    times = [datetime.fromisoformat(row["time_hour"]) - timedelta(hours=5) for row in rows]
    rain, miles, degrees = (np.array([float(row[c].replace("NA", "nan")) for row in rows])
                            for c in ("precip", "visib", "temp"))  # fmt: skip
    lines = [
        f"{time:%Y-%m-%dT%H:%M},{25.4 * fell:.3f},{int(cold <= 32)},{'' if sight >= 10 else 1609 * sight},"
        for time, fell, sight, cold in zip(times, rain, miles, degrees, strict=True)
        if time.year == 2013
    ]
    hours = hours_of(save(tmp_path / "jfk.csv", lines))
    assert ((hours.rain > 0) | (hours.snow > 0)).mean() == pytest.approx((rain > 0).mean(), abs=0.002)
    assert (hours.rain >= 0.6).mean() == pytest.approx(((rain > 0.3) & (degrees > 32)).mean(), abs=0.0005)
    hidden = (miles * 1609 < 1000) & ~((rain > 0) & (degrees <= 32)) & (rain < 0.3)
    assert (hours.fog > 0).mean() == pytest.approx(hidden.mean(), abs=0.002)
