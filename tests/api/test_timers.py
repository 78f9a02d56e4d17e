"""What happens by the clock alone: holds that end, and providers that are asked again; as if somebody had asked for it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pytest

from app.adapters import payments as adapters
from domain.payments import PaymentOutcome, PaymentRequest
from domain.store import log
from resolvers.database import open_database
from resolvers.engine import Engine, Request
from resolvers.exceptions import watches
from resolvers.jobs import Again, Crew, Done
from resolvers.timers import ask_payment, find_unanswered, release_holds
from resolvers.writing import World
from schema.build import build, core_of
from tests.api.shop import AGENT, OPERATIONS, Answer, Shop, entries
from tests.api.test_exceptions import EXCEPTIONS, do


class Hesitant(adapters.TestProvider):
    """Does as it is asked and says nothing of it, until it is told to `speak`."""

    def __init__(self) -> None:
        super().__init__()
        self.speaks = True
        self.asked: list[str] = []

    async def capture(self, request: PaymentRequest) -> PaymentOutcome:
        self.asked.append(request.idempotency_key)
        outcome = await super().capture(request)
        if not self.speaks:
            raise TimeoutError
        return outcome


@pytest.fixture(scope="module")
def provider() -> Hesitant:
    return Hesitant()


@pytest.fixture(scope="module")
async def world(database_url: str, provider: Hesitant) -> AsyncIterator[World]:
    async with open_database(database_url, reads=1, writes=2) as database:
        yield World(database, providers={**adapters.providers(), "test": provider})


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


# -- holds -------------------------------------------------------------------------------------------------------------

HOLDS = "order { id onHold status holds { id kind expiresAt } }"


async def held(shop: Shop, order: Answer, ends: datetime | None = None, kind: str = "FRAUD") -> str:
    """Put a hold on an order: the hold's id."""
    given = {"expiresAt": ends.isoformat()} if ends else {}
    done = await shop.do(AGENT, "orderHold", HOLDS, id=order["id"], kind=kind, reason="look", **given)
    (hold,) = (each for each in done["order"]["holds"] if each["kind"] == kind)
    assert (hold["expiresAt"] is None) == (ends is None)
    return hold["id"]  # type: ignore[no-any-return]


async def test_a_hold_is_taken_off_when_its_time_is_over_and_the_work_goes_on(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    order = await shop.bought(until="confirm")
    hold = await held(shop, order, datetime.now(UTC) + timedelta(hours=1))
    assert [work["status"] for work in (await shop.order(order["id"]))["fulfillmentOrders"]] == ["SCHEDULED"]
    assert isinstance(await do(release_holds(world)), Done)
    assert (await shop.order(order["id"]))["onHold"] is True
    await connection.execute("UPDATE order_holds SET expires_at = now() WHERE id = $1", shop.key(hold))

    for _ in range(2):
        assert isinstance(await do(release_holds(world)), Done)

    after = await shop.order(order["id"])
    assert after["onHold"] is False
    assert [work["status"] for work in after["fulfillmentOrders"]] == ["OPEN"]
    await log.stamp(connection, 1_000)
    told = """query ($id: ID!) { events(filter: { orderId: $id, types: [ORDER_HOLD_RELEASED] }) {
        nodes { actor { kind displayName } } } }"""
    events = (await shop.ask(OPERATIONS, told, id=order["id"]))["events"]["nodes"]
    assert events == [{"actor": {"kind": "SYSTEM", "displayName": "Ordergraph"}}]


async def test_a_hold_without_an_end_and_others_stay(shop: Shop, world: World, connection: asyncpg.Connection) -> None:
    order = await shop.bought(until="confirm")
    await held(shop, order, kind="MANUAL")
    ending = await held(shop, order, datetime.now(UTC) + timedelta(hours=1))
    await connection.execute("UPDATE order_holds SET expires_at = now() WHERE id = $1", shop.key(ending))

    await do(release_holds(world))

    query = "query ($id: ID!) { order(id: $id) { onHold holds { kind } } }"
    assert (await shop.ask(AGENT, query, id=order["id"]))["order"] == {"onHold": True, "holds": [{"kind": "MANUAL"}]}


async def test_more_holds_end_than_are_read_at_once(
    shop: Shop, world: World, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.timers.CHUNK", 2)
    orders = [await shop.bought(until="confirm") for _ in range(5)]
    holds = [await held(shop, order, datetime.now(UTC) + timedelta(hours=1)) for order in orders]
    ended = "UPDATE order_holds SET expires_at = now() WHERE id = ANY ($1)"
    await connection.execute(ended, [shop.key(hold) for hold in holds])

    await do(release_holds(world))

    assert [(await shop.order(order["id"]))["onHold"] for order in orders] == [False] * 5


async def test_a_hold_that_would_have_ended_before_it_began_is_refused(shop: Shop) -> None:
    order = await shop.bought(until="confirm")
    ended = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()

    refused = await shop.refused(AGENT, "orderHold", id=order["id"], kind="FRAUD", reason="look", expiresAt=ended)

    assert refused == {"code": "INVALID_INPUT", "field": ["expiresAt"], "reason": "a hold ends after it began"}


# -- payments ----------------------------------------------------------------------------------------------------------


CAPTURE = """mutation ($id: ID!, $key: String!) {
    paymentCapture(input: { orderId: $id, idempotencyKey: $key }) { userErrors { code } } }"""


@pytest.fixture
async def unanswered(shop: Shop, world: World, provider: Hesitant) -> tuple[Answer, str]:
    """An order whose capture was done and never answered: (order, the requested entry's id)."""
    order = await shop.bought(until="confirm")
    provider.speaks = False
    asked = Request(CAPTURE, None, {"id": order["id"], "key": shop.new("key")})
    answer = orjson.loads(await Engine(core_of(build()), world).answer(asked, OPERATIONS))
    assert answer["data"]["paymentCapture"]["userErrors"] == [{"code": "PAYMENT_UNRESOLVED"}]
    return order, await requested(shop, order, "CAPTURE")


async def requested(shop: Shop, order: Answer, kind: str) -> str:
    """The id of the requested entry of a kind."""
    asked = "query ($id: ID!) { order(id: $id) { payments { id kind status } } }"
    found = (await shop.ask(OPERATIONS, asked, id=order["id"]))["order"]["payments"]
    return next(each["id"] for each in found if (each["kind"], each["status"]) == (kind, "REQUESTED"))  # type: ignore[no-any-return]


@dataclass(slots=True)
class Clock:
    """What the timers see of a payment."""

    shop: Shop
    world: World
    connection: asyncpg.Connection

    async def past(self, entry: str, interval: str) -> None:
        """The request was put on record so long ago."""
        moved = "UPDATE payments SET recorded_at = now() - $2::text::interval WHERE id = $1"
        await self.connection.execute(moved, self.shop.key(entry), interval)

    async def jobs(self, entry: str) -> list[Answer]:
        """The jobs that ask for it."""
        await do(find_unanswered(self.world))
        found = "SELECT payload FROM jobs WHERE kind = 'ASK_PAYMENT' AND key = $1"
        return [orjson.loads(row[0]) for row in await self.connection.fetch(found, str(self.shop.key(entry)))]

    async def ask(self, payload: Answer) -> Any:
        """How asking ended."""
        return await do(ask_payment(self.world), **payload)


@pytest.fixture
def clock(shop: Shop, world: World, connection: asyncpg.Connection) -> Clock:
    return Clock(shop, world, connection)


async def test_a_provider_that_did_not_answer_is_asked_again_for_the_same_deed(
    clock: Clock, provider: Hesitant, unanswered: tuple[Answer, str]
) -> None:
    order, entry = unanswered
    asked = len(provider.asked)
    assert await clock.jobs(entry) == []  # whoever asked is still waiting
    await clock.past(entry, "2 minutes")
    await clock.jobs(entry)
    (payload,) = await clock.jobs(entry)

    again = await clock.ask(payload)

    assert isinstance(again, Again)
    assert again.error
    kinds = [each[:2] for each in entries(await clock.shop.order(order["id"]))]
    assert kinds.count(("CAPTURE", "REQUESTED")) == 1
    assert ("CAPTURE", "SUCCEEDED") not in kinds
    provider.speaks = True
    assert isinstance(await clock.ask(payload), Done)
    assert isinstance(await clock.ask(payload), Done)  # as a worker would that was killed before it said so
    after = await clock.shop.order(order["id"])
    assert [each[:2] for each in entries(after)].count(("CAPTURE", "SUCCEEDED")) == 1
    assert after["paymentStatus"] == "PAID"
    assert set(provider.asked[asked - 1 :]) == {str(clock.shop.key(entry))}
    await clock.connection.execute("DELETE FROM jobs")
    assert await clock.jobs(entry) == []


async def test_a_worker_finds_and_asks_by_itself(
    clock: Clock, provider: Hesitant, unanswered: tuple[Answer, str]
) -> None:
    order, entry = unanswered
    provider.speaks = True
    await clock.past(entry, "2 minutes")
    crew = asyncio.create_task(
        Crew(clock.world.database, [find_unanswered(clock.world), ask_payment(clock.world)]).run()
    )
    try:
        async with asyncio.timeout(20):
            while (await clock.shop.order(order["id"]))["paymentStatus"] != "PAID":
                await asyncio.sleep(0.05)
    finally:
        crew.cancel()
        await asyncio.gather(crew, return_exceptions=True)


async def test_what_is_not_answered_for_an_hour_is_an_exception_until_it_is(
    clock: Clock, provider: Hesitant, unanswered: tuple[Answer, str]
) -> None:
    order, entry = unanswered
    await clock.past(entry, "2 hours 5 minutes")

    found = await _open(clock, order)

    assert [(each["kind"], each["severity"]) for each in found] == [("PAYMENT_UNANSWERED", "HIGH")]
    amount = order["total"]["amount"]
    wanted = f"test was asked for the capture of {amount} BRL for order {order['number']} at "
    assert found[0]["explanation"].startswith(wanted)
    assert found[0]["explanation"].endswith("has not answered for 2 hours.")
    assert found[0]["subject"] == {"__typename": "Payment", "id": entry}
    (payload,) = await clock.jobs(entry)
    provider.speaks = True
    await clock.ask(payload)
    assert await _open(clock, order) == []
    ended = await clock.shop.ask(OPERATIONS, EXCEPTIONS, filter={"orderId": order["id"], "open": False})
    assert [each["resolution"] for each in ended["exceptions"]["nodes"]] == ["The provider answered."]


async def _open(clock: Clock, order: Answer) -> list[Answer]:
    for kind in watches(clock.world):
        await do(kind)
    found = await clock.shop.ask(OPERATIONS, EXCEPTIONS, filter={"orderId": order["id"], "open": True})
    return found["exceptions"]["nodes"]  # type: ignore[no-any-return]


async def test_after_three_days_nobody_asks_any_more_and_people_still_know(
    clock: Clock, unanswered: tuple[Answer, str]
) -> None:
    order, entry = unanswered
    await clock.past(entry, "71 hours")
    (payload,) = await clock.jobs(entry)
    assert len(await _open(clock, order)) == 1
    await clock.past(entry, "73 hours")
    await clock.connection.execute("DELETE FROM jobs")

    assert isinstance(await clock.ask({**payload, "until": datetime.now(UTC).isoformat()}), Done)

    assert await clock.jobs(entry) == []
    assert len(await _open(clock, order)) == 1


async def test_a_buyer_who_does_not_come_back_from_a_challenge_is_neither_paid_nor_declined(
    clock: Clock, shop: Shop
) -> None:
    sku = await shop.variant(SAO1=1)
    order = await shop.place((sku, 1), token="tok_challenge")
    entry = await requested(shop, order, "AUTHORIZATION")
    await clock.past(entry, "2 hours")
    (payload,) = await clock.jobs(entry)

    assert isinstance(await clock.ask(payload), Again)

    assert [each[:2] for each in entries(await shop.order(order["id"]))] == [("AUTHORIZATION", "REQUESTED")]
    (found,) = await _open(clock, order)
    assert (found["kind"], found["severity"]) == ("PAYMENT_UNANSWERED", "MEDIUM")
    assert found["suggestedActions"] == ["paymentAuthorize", "orderCancel"]
    await shop.do(OPERATIONS, "orderCancel", id=order["id"], reason="CUSTOMER_REQUEST")
    assert await _open(clock, order) == []
