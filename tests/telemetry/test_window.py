import pytest

from telemetry.errors import MessageRefused
from telemetry.patience import ANSWER_S, LONGEST_S, SHORTEST_S, Patience
from telemetry.window import Pending, Window


def message(name: str, size: int = 10) -> Pending:
    return Pending(name, name, [bytes(size)])


def test_a_window_counts_bytes_in_and_out() -> None:
    window = Window(25)
    window.add(message("a"))
    assert window.has_room(15)
    assert not window.has_room(16)
    window.forget("a")
    assert window.forget("a") is None
    assert window.nbytes == len(window) == 0


def test_one_message_may_be_bigger_than_the_window() -> None:
    assert Window(5).has_room(1_000)


def test_a_message_waits_once_and_another_under_its_id_is_refused() -> None:
    window = Window(100)
    window.add(message("a"))
    window.add(message("a"))
    assert window.nbytes == 10
    with pytest.raises(MessageRefused, match="another message waits"):
        window.add(message("a", 11))


def test_what_is_due_comes_oldest_first_and_all_of_it_on_a_new_connection() -> None:
    window = Window(100)
    for name in "abc":
        window.add(message(name))
    for pending in window.due(1.0):
        pending.due_s = 11.0 if pending.id == "b" else 5.0
    assert [pending.id for pending in window.due(6.0)] == ["a", "c"]
    window.send_all_again()
    assert [pending.id for pending in window.due(6.0)] == ["a", "b", "c"]


def test_a_server_without_room_is_asked_with_one_message_ever_less_often() -> None:
    patience, now_s, pauses = Patience(), 100.0, []
    assert not patience.only_one("a", now_s)
    assert patience.refused("a", now_s)
    assert not patience.refused("b", now_s), "the rest of what was under way is no news"
    for _ in range(6):
        pause_s = next(i / 64 for i in range(64 * 20) if patience.may_send(now_s + i / 64))
        pauses.append(pause_s)
        now_s += pause_s
        assert patience.only_one("a", now_s)
        patience.refused("a", now_s)
    assert pauses == [SHORTEST_S, 0.5, 1.0, 2.0, 4.0, LONGEST_S]
    patience.taken()
    assert patience.may_send(now_s)
    assert not patience.only_one("a", now_s)


def test_a_question_without_an_answer_is_asked_again() -> None:
    patience = Patience()
    patience.refused("a", 0.0)
    assert patience.only_one("a", 1.0)
    assert not patience.may_send(1.0 + ANSWER_S / 2)
    assert patience.may_send(1.0 + ANSWER_S)
