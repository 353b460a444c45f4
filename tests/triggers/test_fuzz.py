"""A few thousand texts of the fuzzing of conditions; `outrider bench fuzz_expressions` tries 200,000."""

import numpy as np

from fuzz_expressions import COLUMNS, UNITS, survives, tables, texts
from triggers.errors import BadExpression
from triggers.expression import Expression


def test_no_text_is_anything_but_an_expression_or_a_refusal() -> None:
    seen = tables()
    tried = list(texts(1500))
    assert [text for text in tried if not survives(text, seen)] == []
    assert len(set(tried)) > 1200


def test_the_texts_reach_the_inside_of_the_language() -> None:
    accepted, refused = 0, set[str]()
    for text in texts(1500):
        try:
            Expression(text).check({name: np.dtype(sort) for name, sort in COLUMNS.items()}, UNITS)
            accepted += 1
        except BadExpression as error:
            refused.add(error.problem[:12])
    assert accepted > 50
    assert len(refused) > 25
