from collections.abc import Iterator

import pytest
from fixtures import plain_painting


@pytest.fixture(scope="package", autouse=True)
def _plain_painting() -> Iterator[None]:
    with plain_painting():
        yield
