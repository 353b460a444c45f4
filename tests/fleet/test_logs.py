import structlog
from hypothesis import given
from hypothesis import strategies as st

from fleet import logs

LEVELS = ["debug", "info", "warning", "error", "critical"]
values = st.one_of(st.text(max_size=12), st.integers(), st.floats(), st.booleans(), st.none(), st.binary(max_size=4))
facts = st.dictionaries(st.from_regex(r"[a-z]{3}_[a-z]{1,4}", fullmatch=True), values, max_size=4)


@given(st.sampled_from(LEVELS), st.from_regex(r"[a-z_]{1,40}", fullmatch=True), facts)
def test_a_plain_line_is_the_one_that_structlog_writes(level: str, event: str, facts: dict[str, object]) -> None:
    written = structlog.dev.ConsoleRenderer(colors=False)(None, level, {"level": level, "event": event, **facts})
    assert logs.line(level, event, facts) == written
