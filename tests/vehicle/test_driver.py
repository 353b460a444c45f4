import numpy as np

from vehicle.driver import driver_at


def does(speed: float = 20.0, pull: float = 0.0, turn: float = 0.0, *, by_hand: bool = True) -> tuple[float, ...]:
    one = [np.array([each]) for each in (speed, pull, turn)]
    return tuple(float(each[0]) for each in driver_at(*one, np.array([by_hand])))


def test_who_brakes_presses_one_pedal_and_who_speeds_up_the_other() -> None:
    brake, accelerator, _ = does(pull=-6.0)
    assert 50 < brake < 80
    assert accelerator == 0
    brake, accelerator, _ = does(pull=1.5)
    assert brake == 0
    assert 30 < accelerator < 60


def test_rolling_out_takes_no_pedal() -> None:
    assert does(pull=-0.3)[:2] == (0.0, 0.0)


def test_a_left_bend_turns_the_wheel_left_and_the_more_the_slower_one_is() -> None:
    assert does(turn=10.0)[2] > 0 > does(turn=-10.0)[2]
    assert does(speed=5.0, turn=10.0)[2] > does(speed=20.0, turn=10.0)[2]


def test_the_driver_of_a_car_that_drives_itself_does_nothing() -> None:
    assert does(pull=-6.0, turn=10.0, by_hand=False) == (0.0, 0.0, 0.0)
