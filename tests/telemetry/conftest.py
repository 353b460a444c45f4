from collections.abc import Iterator

import pytest
from object_store import an_object_store


@pytest.fixture(scope="module", name="endpoint")
def an_endpoint() -> Iterator[str]:
    """Where an object store of our own listens."""
    with an_object_store() as endpoint:
        yield endpoint
