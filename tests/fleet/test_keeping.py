from fleet.simulation.barrier import Decision
from fleet.simulation.keeping import Keeping
from triggers import TriggerSpec
from vehicle import Cut


def cut(car: int, trigger: str = "few") -> Cut:
    return Cut.of_fire(car, 100, TriggerSpec(name=trigger, kind="expression", params={"fire_when": "true"}), 1.0)


def test_clips_without_a_quota_are_free() -> None:
    keeping = Keeping({"few": 1})
    keeping.fired([cut(1, "many")])
    assert keeping.asks == ()
    assert keeping.admitted([cut(1, "many")]) == [cut(1, "many")]


def test_a_clip_with_a_quota_waits_for_the_barrier() -> None:
    keeping, one, two = Keeping({"few": 1}), cut(1), cut(2)
    keeping.fired([one, two])
    assert keeping.admitted([one, two]) == []
    assert keeping.decide(Decision(granted=frozenset({one.clip}))) == ([one], {two.clip})


def test_a_clip_that_ends_after_the_barrier_keeps_its_answer() -> None:
    keeping, one, two = Keeping({"few": 1}), cut(1), cut(2)
    keeping.fired([one, two])
    keeping.decide(Decision(granted=frozenset({one.clip})))
    again = Keeping({"few": 1})
    again.restore(keeping.facts())
    assert keeping.admitted([one, two]) == again.admitted([one, two]) == [one]
    assert keeping.facts() == {}


def test_a_later_refusal_does_not_take_back_a_granted_clip() -> None:
    keeping, one = Keeping({"few": 1}), cut(1)
    keeping.fired([one])
    keeping.decide(Decision(granted=frozenset({one.clip})))
    keeping.fired([one])  # a second fire that was merged into the clip
    keeping.decide(Decision())
    assert keeping.admitted([one]) == [one]
