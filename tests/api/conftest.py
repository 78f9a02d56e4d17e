"""A shop for each module, and the proof that the module left its database sound."""

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from domain.store.verify import verify
from tests.api.shop import Shop


@pytest.fixture(scope="module")
async def shop(client: httpx.AsyncClient, database_url: str) -> AsyncIterator[Shop]:
    """The open shop. When the module is done, every invariant holds."""
    opened = Shop(client)
    await opened.open()
    yield opened
    connection = await asyncpg.connect(database_url)
    try:
        assert await verify(connection) == []
    finally:
        await connection.close()
