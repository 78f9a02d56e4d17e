"""What tests of the resolvers share."""

from collections.abc import AsyncIterator

import pytest

from tests.referee import Referee, refereeing


@pytest.fixture(scope="module")
async def referee(database_url: str) -> AsyncIterator[Referee]:
    """Both executors on a wide world."""
    async with refereeing(database_url) as found:
        yield found
