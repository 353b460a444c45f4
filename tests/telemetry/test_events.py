from collections.abc import Mapping
from typing import Any

import zmq
from structlog.testing import capture_logs
from zmq.utils.monitor import parse_monitor_message

from telemetry.events import log, told_to
from telemetry.monitor import heard


def test_events_go_to_structlog_where_nobody_else_is_named() -> None:
    with capture_logs() as told:
        log.warning("storage_full", messages=3)
        log.tell("info", "store_trimmed", level=7)
    assert told == [
        {"log_level": "warning", "event": "storage_full", "messages": 3},
        {"log_level": "info", "event": "store_trimmed", "level": 7},
    ]


def test_who_is_named_hears_them_all_and_structlog_none_meanwhile() -> None:
    events: list[tuple[str, str, Mapping[str, Any]]] = []
    with capture_logs() as told:
        with told_to(lambda *event: events.append(event)):
            log.debug("entries_compacted", entries=2)
            log.info("server_stopped")
            log.tell("error", "odd")
        log.info("afterwards")
    assert events == [
        ("debug", "entries_compacted", {"entries": 2}),
        ("info", "server_stopped", {}),
        ("error", "odd", {}),
    ]
    assert [line["event"] for line in told] == ["afterwards"]


def test_a_sockets_events_are_read_as_the_library_reads_them() -> None:
    with zmq.Context() as context, context.socket(zmq.PAIR) as tells, context.socket(zmq.PAIR) as monitor:
        tells.bind("inproc://events")
        monitor.connect("inproc://events")
        told = [
            [bytes([low, high, value, 0, 0, 0]), b"tcp://a"]
            for low, high, value in [(32, 0, 9), (0, 64, 0), (0, 2, 255)]
        ]
        for frames in told:
            tells.send_multipart(frames)
        assert monitor.poll(120_000)
        expected = [parse_monitor_message(frames) for frames in told]
        assert list(heard(monitor)) == [(each["event"], each["value"]) for each in expected]
