"""What ariadne-codegen made, used against the server; one line per check, as in ../check.js."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any
from uuid import uuid4

from ordergraph_client import Ordergraph  # type: ignore[import-not-found]
from ordergraph_client.exceptions import GraphQLClientHttpError  # type: ignore[import-not-found]
from ordergraph_client.input_types import AddressInput  # type: ignore[import-not-found]

Story = Callable[[Any, Any], Coroutine[Any, Any, None]]
URL = os.environ["ORDERGRAPH_URL"]


def connect(token: str) -> Ordergraph:
    """A client of the server; subscriptions go over graphql-transport-ws."""
    authorization = {"Authorization": f"Bearer {token}"}
    return Ordergraph(
        URL, headers=authorization, ws_url=URL.replace("http", "ws", 1), ws_connection_init_payload=authorization
    )


async def place(client: Any, key: str, sku: str = "SKU-1") -> Any:
    """Buy two of something."""
    address = AddressInput(line1="Rua do Sol 1", city="São Paulo", country="BR")
    answer = await client.place_order(idempotency_key=key, email="you@example.com", sku=sku, address=address)
    return answer.order_place


async def a_query_with_typed_answers(agent: Any, shopper: Any) -> None:
    """Money is text, moments are datetimes, lists are lists."""
    placed = await place(shopper, str(uuid4()))
    found = (await agent.order_status_by_id(id=placed.order.id)).order
    assert found.id == placed.order.id
    assert found.total.currency == "BRL"
    assert found.placed_at.tzinfo is not None
    assert found.lines[0].quantities.ordered == 2


async def a_mutation_sent_twice_with_one_key_is_done_once(agent: Any, shopper: Any) -> None:
    """The same key, the same order."""
    key = str(uuid4())
    first, second = await place(shopper, key), await place(shopper, key)
    assert first.user_errors == []
    assert first.order.id == second.order.id


async def a_refusal_is_data_of_its_own_type(agent: Any, shopper: Any) -> None:
    """Told apart by its code."""
    refused = await place(shopper, str(uuid4()), sku="no such thing")
    (refusal,) = refused.user_errors
    assert refused.order is None
    assert (refusal.code, refusal.typename__) == ("UNKNOWN_SKU", "UnknownSku")


async def pages_follow_each_other(agent: Any, shopper: Any) -> None:
    """The history, page by page."""
    first = (await agent.history()).events
    second = (await agent.history(after=first.page_info.end_cursor)).events
    ids = [edge.node.id for page in (first, second) for edge in page.edges]
    assert len(set(ids)) == len(ids) == 200


async def an_error_carries_its_code(agent: Any, shopper: Any) -> None:
    """What is nobody's business decision is an error."""
    code = None
    try:
        await connect("not.a.token").who_am_i()
    except GraphQLClientHttpError as error:
        code = error.response.json()["errors"][0]["extensions"]["code"]
    assert code == "UNAUTHENTICATED"


async def a_subscription_tells_what_happened_since_a_cursor(agent: Any, shopper: Any) -> None:
    """The placement, from before it; then a hold, as it is put."""
    answer = await agent.execute("{ events(last: 1) { edges { cursor } } }")
    cursor = agent.get_data(answer)["events"]["edges"][0]["cursor"]
    placed = await place(shopper, str(uuid4()))
    told = []
    async with aclosing(agent.order_live(order_id=placed.order.id, after=cursor)) as events:
        async for event in events:
            told.append(event.order_events.type_)
            if len(told) == 1:
                await agent.put_on_hold(id=placed.order.id, key=str(uuid4()))
            if told[-1] == "ORDER_HELD":
                break
    assert told[0] == "ORDER_PLACED"


async def check(story: Story, agent: Any, shopper: Any) -> bool:
    """Whether it held; a line either way."""
    name = story.__name__.replace("_", " ")
    try:
        await story(agent, shopper)
    except Exception as error:  # noqa: BLE001 - whatever it is, the next check is run
        why = " ".join(f"{type(error).__name__} {error}".split())
        print(f"FAIL {name}: {why}")
        return False
    print(f"ok   {name}")
    return True


async def main() -> bool:
    """Whether all held."""
    agent, shopper = (connect(os.environ[name]) for name in ("AGENT_TOKEN", "SHOPPER_TOKEN"))
    return all([await check(story, agent, shopper) for story in STORIES])


STORIES: tuple[Story, ...] = (
    a_query_with_typed_answers,
    a_mutation_sent_twice_with_one_key_is_done_once,
    a_refusal_is_data_of_its_own_type,
    pages_follow_each_other,
    an_error_carries_its_code,
    a_subscription_tells_what_happened_since_a_cursor,
)
sys.exit(0 if asyncio.run(main()) else 1)
