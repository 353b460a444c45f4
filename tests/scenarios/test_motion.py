import numpy as np
from scenes import changed, drawn

CARS = np.arange(30)
EVENING = 19 * 36_000


def test_a_car_goes_where_it_heads_as_fast_as_it_says() -> None:
    world = drawn()
    now, then = world.motion(CARS, EVENING), world.motion(CARS, EVENING + 1)
    moved = np.hypot(then.x_m - now.x_m, then.y_m - now.y_m)
    driving = now.driving & then.driving
    assert np.abs(moved - 0.05 * (now.speed_mps + then.speed_mps))[driving].max() < 0.01
    heading = np.radians(now.heading_deg)
    east, north = np.sin(heading) * moved, np.cos(heading) * moved
    assert np.abs(now.x_m + east - then.x_m)[driving].max() < 0.02
    assert np.abs(now.y_m + north - then.y_m)[driving].max() < 0.02


def test_latitude_and_longitude_are_the_place_on_the_map() -> None:
    world = drawn()
    motion = world.motion(CARS, EVENING)
    north = (motion.latitude - world.spec.latitude) * 111_320.0
    east = (motion.longitude - world.spec.longitude) * 111_320.0 * np.cos(np.radians(world.spec.latitude))
    np.testing.assert_allclose(north, motion.y_m, atol=0.01)
    np.testing.assert_allclose(east, motion.x_m, atol=0.01)


def test_what_the_car_feels_aside_is_the_bend_of_the_road_it_is_told() -> None:
    world = drawn()
    motion, truth = world.motion(CARS, EVENING), world.truth(CARS, EVENING)
    np.testing.assert_allclose(motion.lateral_mps2, motion.speed_mps**2 * truth.curvature_1pm, atol=1e-5)
    np.testing.assert_allclose(np.radians(motion.yaw_rate_dps), motion.speed_mps * truth.curvature_1pm, atol=1e-6)


def test_some_drivers_ask_the_car_to_drive_itself_and_nobody_who_is_parked() -> None:
    motion = drawn().motion(np.arange(4000, dtype=np.uint32), EVENING)
    assert not motion.engaged[~motion.driving].any()
    assert 0.25 < motion.engaged[motion.driving].mean() < 0.35


def test_a_crest_lifts_the_nose_and_a_flat_road_does_not() -> None:
    cars, ticks = np.repeat(np.arange(40, dtype=np.uint32), 300), np.tile(np.arange(300) * 20 + 400_000, 40)
    flat = changed("sunny_city", encounters_per_km={"crest": 0.0}).motion(cars, ticks)
    hilly = changed("sunny_city", encounters_per_km={"crest": 3.0}).motion(cars, ticks)
    assert not flat.vertical_mps2.any()
    felt = hilly.vertical_mps2 != 0
    assert 0.05 < felt[hilly.driving].mean() < 0.4
    assert np.array_equal(np.sign(hilly.pitch_rate_dps), np.sign(hilly.vertical_mps2))
    assert 0.5 < np.abs(hilly.vertical_mps2).max() < 4.0
    assert np.array_equal(flat.speed_mps, hilly.speed_mps)
