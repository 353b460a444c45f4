"""A few thousand texts of the fuzzing of conditions; `outrider bench fuzz_expressions` tries 200,000."""

from collections.abc import Iterator
from types import ModuleType

import pytest
from fixtures import benchmark


@pytest.fixture(scope="module")
def fuzz() -> Iterator[ModuleType]:
    with benchmark("fuzz_expressions") as module:
        yield module


def test_no_text_is_anything_but_an_expression_or_a_refusal(fuzz: ModuleType) -> None:
    seen = fuzz.tables()
    texts = list(fuzz.texts(1500))
    assert [text for text in texts if not fuzz.survives(text, seen)] == []
    assert len(set(texts)) > 1200


def test_the_texts_reach_the_inside_of_the_language(fuzz: ModuleType) -> None:
    from triggers.errors import BadExpression
    from triggers.expression import Expression

    accepted, refused = 0, set[str]()
    for text in fuzz.texts(1500):
        try:
            Expression(text).check({name: fuzz.np.dtype(sort) for name, sort in fuzz.COLUMNS.items()}, fuzz.UNITS)
            accepted += 1
        except BadExpression as error:
            refused.add(error.problem[:12])
    assert accepted > 50
    assert len(refused) > 25
