"""Labels: however many another system has put on a row, a list is as long as it says."""

import asyncpg

from schema.common import LABELS_LIMIT
from tests.api.shop import AGENT, Shop


async def test_no_more_labels_are_told_than_the_list_states(shop: Shop, database_url: str) -> None:
    order = await shop.place((await shop.variant(SAO1=1), 1))
    labels = [f"label-{number:03}" for number in range(LABELS_LIMIT + 1)]
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("UPDATE orders SET tags = $2 WHERE id = $1", Shop.key(order["id"]), labels)
    finally:
        await connection.close()

    found = await shop.ask(AGENT, "query ($id: ID!) { order(id: $id) { tags } }", id=order["id"])

    assert found["order"]["tags"] == labels[:LABELS_LIMIT]
