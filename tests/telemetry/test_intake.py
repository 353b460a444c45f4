import contextlib

import msgpack
import pytest
from structlog.testing import capture_logs
from wire_samples import RUN, every_message

from telemetry import Loopback
from telemetry.codec import MAGIC, PREFIX_BYTES, WHY_CHARACTERS, _read_head
from telemetry.errors import MalformedMessage
from telemetry.intake import Intake
from telemetry.metrics import Metrics


def test_a_flood_of_rubbish_is_counted_whole_and_told_once_a_second() -> None:
    now_s = [0.0]
    intake = Intake(Loopback(run=RUN)._memory, Metrics(), clock=lambda: now_s[0])
    with capture_logs() as told:
        for number in range(100):
            now_s[0] = number / 16
            with contextlib.suppress(MalformedMessage):
                intake.check([MAGIC + bytes([number])])
    assert [line["since_last"] for line in told] == [1, 16, 16, 16, 16, 16, 16]
    assert intake.metrics.malformed == 100


@pytest.mark.parametrize("odd", ["\x1b[31mred", "two\nlines", "bell\x07", "\u2028", "\x9b2J"])
def test_no_name_from_outside_can_move_a_terminals_cursor(odd: str) -> None:
    head = msgpack.unpackb(every_message()["hello"][0][PREFIX_BYTES:])
    for field in ("sender", "run", "loadout"):
        with pytest.raises(MalformedMessage) as refused:
            _read_head(msgpack.packb(head | {field: odd}))
        assert odd not in refused.value.why


def test_the_reason_quotes_no_more_of_a_message_than_fits_a_line() -> None:
    head = msgpack.unpackb(every_message()["hello"][0][PREFIX_BYTES:])
    with pytest.raises(MalformedMessage) as refused:
        _read_head(msgpack.packb(head | {"kind": "k" * 100_000}))
    assert len(refused.value.why) == WHY_CHARACTERS
