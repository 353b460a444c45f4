"""A server, and a sender, whose wall clock jumps by hours and years while they work.

Only the compactor reads the time of day, once, when it begins, to know which day it is; pauses, quotas and patience run
on the monotonic clock, order is by number. But libraries below might; so the whole process, native code and all, is
given another wall clock by a small preloaded library.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import zmq
from test_security import locked, raw_dealer, until
from wire_samples import RUN, Server, a_clip, a_server, assert_all_is_there_once, server_program, some_fires

from telemetry import Gateway, connection, open_run
from telemetry.codec import decode, encode_rows
from telemetry.messages import Ack, Refused

HOUR_S, YEAR_S = 3_600, 365 * 86_400
JUMPS_S = (HOUR_S, -HOUR_S, YEAR_S, 0, -YEAR_S, -40 * YEAR_S, 0)
CLOCK = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long ahead_s(void) {
    char text[32] = {0};
    const char *path = getenv("AHEAD");
    int fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDONLY) : -1;
    if (fd < 0) return 0;
    long got = syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    return got > 0 ? atol(text) : 0;
}
int clock_gettime(clockid_t which, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, which, now);
    if (!failed && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead_s();
    return failed;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec fine;
    clock_gettime(CLOCK_REALTIME, &fine);
    now->tv_sec = fine.tv_sec;
    now->tv_usec = fine.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
"""
SENDER = """
import sys
from pathlib import Path
import structlog
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
from wire_samples import RUN, some_fires
from telemetry import Gateway
ahead, jumps_s = Path(sys.argv[2]), [int(word) for word in sys.argv[3:]]
with Gateway(sys.argv[1], run=RUN, sender="test") as gateway:
    for number, jump_s in enumerate(jumps_s):
        gateway.send_rows("fires", str(number), some_fires(3 * number))
        ahead.write_text(str(jump_s))
        gateway.flush()
    print(len(gateway.take_acknowledged()))
"""
TRIMS = """
from telemetry import compaction
compaction.TRIM_EVERY_S = 0.0
""" + server_program("storage=telemetry.Storage(limits=telemetry.Limits(days=30))")
ASKS = "import sys, time; sys.stdout.write(str(time.time()))"


@pytest.fixture
def ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file; processes started from now on have a wall clock that is ahead by as many seconds as it says."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs a C compiler and Linux, to give a process another clock")
    source, library, ahead = tmp_path / "clock.c", tmp_path / "clock.so", tmp_path / "ahead"
    source.write_text(CLOCK)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True)
    ahead.write_text("0")
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("AHEAD", str(ahead))
    return ahead


def asked_for_the_time() -> float:
    done = subprocess.run([sys.executable, "-c", ASKS], stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


def test_the_clock_of_these_tests_does_jump(ahead: Path) -> None:
    before_s = asked_for_the_time()
    ahead.write_text(str(YEAR_S))
    assert YEAR_S <= asked_for_the_time() - before_s < YEAR_S + HOUR_S


def test_when_the_clock_jumps_nothing_is_lost_or_doubled_and_no_connection_breaks(
    ahead: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HELLO_S", (HOUR_S, HOUR_S))  # or a slow welcome were a second connection
    with locked(tmp_path) as door:
        with door.gateway(door.fleet) as gateway:
            for number, jump_s in enumerate(JUMPS_S):
                ahead.write_text(str(jump_s))
                gateway.send_rows("fires", str(number), some_fires(3 * number))
                gateway.send_clip(a_clip(f"c{number}", picture=bytes([number]) * 5_000))
                gateway.flush()
                kept = open_run(door.store).sql("SELECT count(*) FROM fires").fetchall()
                assert kept == [(3 * (number + 1),)], "a flush must bring the newest, whatever the time"
            assert len(gateway.take_acknowledged()) == 2 * len(JUMPS_S)
        assert door.server.log.read_text().count("car_side_joined") == 1
        assert door.server.stop() == 0
    assert_all_is_there_once(door.store, len(JUMPS_S))


def test_what_came_before_a_jump_is_still_known_after_it_and_after_a_restart(ahead: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    for jump_s in (0, -YEAR_S, YEAR_S):
        ahead.write_text(str(jump_s))
        with a_server(store) as server, Gateway(server.endpoint, run=RUN, sender="test") as gateway:
            gateway.send_rows("fires", "same", some_fires())
            gateway.flush()
            assert gateway.take_acknowledged() == ["same"]
            assert server.stop() == 0
    assert open_run(store).sql("SELECT count(*) FROM fires").fetchall() == [(3,)]


def test_a_sender_whose_clock_jumps_delivers_all_of_it(ahead: Path, tmp_path: Path) -> None:
    with a_server(tmp_path / "store") as server:
        command = [sys.executable, "-c", SENDER, server.endpoint, str(ahead), *map(str, JUMPS_S)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=Path(__file__).parent)
        assert int(done.stdout) == len(JUMPS_S)
        assert server.stop() == 0
    count = 3 * len(JUMPS_S)
    rows = open_run(tmp_path / "store").sql("SELECT count(*), count(DISTINCT car) FROM fires").fetchall()
    assert rows == [(count, count)]


def test_no_age_is_reached_by_a_jump(ahead: Path, tmp_path: Path) -> None:
    """Neither is what is there a year old at once, nor what comes in while the clock is a year behind."""
    server = Server(tmp_path / "store", program=TRIMS)
    with Gateway(server.endpoint, run=RUN, sender="test") as gateway:
        for number, jump_s in enumerate((0, YEAR_S, -YEAR_S, 0)):
            ahead.write_text(str(jump_s))
            gateway.send_rows("fires", str(number), some_fires(3 * number))
            gateway.flush()
            trimmed = server.log.read_text().count("store_trimmed")
            until(lambda trimmed=trimmed: server.log.read_text().count("store_trimmed") > trimmed)  # type: ignore[misc]
    assert server.stop() == 0
    assert open_run(tmp_path / "store").sql("SELECT count(*) FROM fires").fetchall() == [(12,)]


def test_a_quota_that_is_used_up_stays_so_when_the_clock_jumps(ahead: Path, tmp_path: Path) -> None:
    """No burst: a year ahead is no year of allowance; and the wait that is told does not grow by a year either."""
    with locked(tmp_path) as door, zmq.Context() as context, raw_dealer(context, door, door.mine) as dealer:
        dealer.connect(door.server.endpoint)
        sent = 0
        while not isinstance(answer := _answer(dealer, sent), Refused):
            sent += 1
        told_ms = [answer.retry_after_ms]
        for jump_s in JUMPS_S:
            ahead.write_text(str(jump_s))
            sent += 1
            answer = _answer(dealer, sent)
            assert isinstance(answer, Refused)
            assert answer.code == "quota"
            told_ms.append(answer.retry_after_ms)
        assert 1_000 <= min(told_ms) <= max(told_ms) <= HOUR_S * 1_000
        until(lambda: door.metric("quota") == 1 + len(JUMPS_S))


def _answer(dealer: "zmq.Socket[bytes]", number: int) -> Ack | Refused:
    """To some 200 kB of rows."""
    dealer.send_multipart(encode_rows(RUN, "fires", str(number), some_fires(0, 10) | {"clip": ["c" * 4_000] * 10}))
    answer, _ = decode(dealer.recv_multipart())
    assert isinstance(answer, Ack | Refused)
    return answer
