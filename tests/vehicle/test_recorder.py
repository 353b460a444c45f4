import numpy as np
from structlog.testing import capture_logs
from vehicle_parts import spec

from triggers import Reason, TriggerSpec, Verdicts
from vehicle.recorder import TICKS_PER_S, Cut, Recorder, by_name

NO_MERGE = {"before_s": 2, "after_s": 2, "merge": False}


def fire(recorder: Recorder, tick: int, *cars: int, by: TriggerSpec | None = None) -> list[Cut]:
    reasons = np.full((len(cars), 1), Reason.FIRED, np.uint8)
    verdicts = Verdicts(np.array(cars, np.uint32), tick, reasons, np.full((len(cars), 1), 0.75, np.float32))
    return recorder.record(verdicts, [by or spec()])


def test_only_fires_become_cuts() -> None:
    reasons = np.array([[Reason.FIRED], [Reason.BELOW], [Reason.PRIVATE]], np.uint8)
    verdicts = Verdicts(np.array([3, 4, 5], np.uint32), 700, reasons, np.ones((3, 1), np.float32))
    assert [cut.car for cut in Recorder().record(verdicts, [spec()])] == [3]


def test_a_cut_has_a_frame_at_the_fire_and_spans_the_window() -> None:
    (cut,) = fire(Recorder(), 705, 3)
    assert cut.ticks == (685, 695, 705, 715, 725)
    assert cut.score == 0.75


def test_a_cut_begins_no_earlier_than_the_day_and_keeps_its_grid() -> None:
    assert Cut.of_fire(3, 5, spec(), 1.0).ticks == (5, 15, 25)


def test_a_clip_is_due_when_its_last_tick_has_passed() -> None:
    recorder = Recorder()
    (cut,) = fire(recorder, 700, 3)
    assert recorder.due(719) == []
    assert recorder.due(720) == [cut]
    assert recorder.due(720) == []


def test_overlapping_fires_of_a_car_become_one_clip() -> None:
    recorder = Recorder()
    (first,), (second,), (other,) = fire(recorder, 700, 3), fire(recorder, 730, 3), fire(recorder, 730, 4)
    assert second.clip == first.clip != other.clip
    assert [cut.ticks for cut in recorder.due(800)] == [tuple(range(680, 751, 10)), tuple(range(710, 751, 10))]


def test_fires_far_apart_or_told_not_to_merge_stay_apart() -> None:
    recorder, apart = Recorder(), spec(clip=NO_MERGE)
    clips = {cut.clip for tick in (700, 800) for cut in fire(recorder, tick, 3)}
    clips |= {cut.clip for tick in (700, 710) for cut in fire(recorder, tick, 4, by=apart)}
    assert len(clips) == 4


def test_a_trigger_that_never_rests_fills_several_clips() -> None:
    recorder, short = Recorder(), spec(clip={"before_s": 2, "after_s": 2, "longest_s": 20})
    with capture_logs() as logs:
        for tick in range(700, 3000, 10):
            fire(recorder, tick, 3, by=short)
    clips = recorder.due(10_000)
    assert len(clips) > 1
    assert all(clip.last_tick - clip.first_tick <= 20 * TICKS_PER_S for clip in clips)
    full = [(each["clip"], each["next"]) for each in logs if each["event"] == "clip_full"]
    assert full == list(zip([clip.clip for clip in clips], [clip.clip for clip in clips[1:]], strict=False))


def test_open_clips_survive_a_checkpoint() -> None:
    recorder, later = Recorder(), Recorder()
    fire(recorder, 700, 3, 4)
    later.restore(recorder.state(), by_name([spec()]))
    (merged,) = fire(later, 710, 3)
    assert merged.clip.startswith("000003-0000700")
    assert {cut.clip for cut in later.due(800)} == {cut.clip for cut in recorder.due(800)}
