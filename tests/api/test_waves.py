"""Waves: what nobody has accepted ships from elsewhere where that saves enough, and from nowhere else where it does not."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.adapters import payments as adapters
from app.failure import Failure
from app.routing import send_wave
from app.settings import Settings
from resolvers.database import open_database
from resolvers.waves import route_in_waves
from resolvers.writing import World
from tests.api.shop import OPERATIONS, Shop
from tests.api.test_exceptions import do
from tests.api.test_rerouting import located, opened


@pytest.fixture(scope="module")
async def world(database_url: str, shop: Shop) -> AsyncIterator[World]:
    """A world in which a carrier charges by the distance."""
    rates = [{"service": "STANDARD", "base": "5.00", "perKgPer1000Km": "100.00"}]
    await shop.do(OPERATIONS, "carrierRatesSet", carrier="post", currency="BRL", rates=rates)
    async with open_database(database_url, reads=1, writes=2) as database:
        yield World(database, providers=adapters.providers())


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def waved(shop: Shop, world: World, connection: asyncpg.Connection, percent: int = 10) -> None:
    """Let the channel's next wave go through."""
    given = {"code": "web", "name": "Web", "currency": "BRL", "timeZone": "America/Sao_Paulo"}
    await shop.do(OPERATIONS, "channelSet", **given, waveMinutes=15, waveSavingPercent=percent)
    await connection.execute("UPDATE channels SET waved_at = now() - interval '15 minutes'")
    await do(route_in_waves(world))
    await connection.execute("UPDATE channels SET wave_minutes = 0")


async def test_a_wave_brings_work_nearer_once_there_is_stock_and_leaves_it_there(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(RIO1=9)
    far, accepted, pinned = await opened(shop, sku, 2), await opened(shop, sku, 2), await shop.place((sku, 2))
    await shop.accept(accepted)
    await shop.do(OPERATIONS, "orderPin", id=pinned["id"], locationId=shop.places["RIO1"])
    await shop.count(sku, "SAO1", 9)
    versions = [(await shop.order(order["id"]))["version"] for order in (accepted, pinned)]

    await waved(shop, world, connection, 100)
    still = await shop.order(far["id"])
    await waved(shop, world, connection)
    moved = await shop.order(far["id"])
    await waved(shop, world, connection)

    assert located(still) == [("RIO1", "OPEN", [2])]
    assert located(moved) == [("SAO1", "OPEN", [2])]
    assert await shop.order(far["id"]) == moved
    assert [(await shop.order(order["id"]))["version"] for order in (accepted, pinned)] == versions
    asked = (
        "query ($id: ID!) { order(id: $id) { routing(last: 1) { decidedBy { kind } chosen { location { code } } } } }"
    )
    assert (await shop.ask(OPERATIONS, asked, id=far["id"]))["order"]["routing"] == [
        {"decidedBy": {"kind": "SYSTEM"}, "chosen": [{"location": {"code": "SAO1"}}]}
    ]


async def test_a_wave_joins_what_had_to_be_split(shop: Shop, world: World, connection: asyncpg.Connection) -> None:
    sku = await shop.variant(SAO1=1, RIO1=1)
    order = await opened(shop, sku, 2)
    await shop.count(sku, "CWB1", 5)
    assert [place for place, _, _ in located(order)] == ["RIO1", "SAO1"]

    await waved(shop, world, connection)

    assert len(located(await shop.order(order["id"]))) == 1


async def test_channels_that_did_not_ask_for_waves_have_none(
    shop: Shop, world: World, connection: asyncpg.Connection
) -> None:
    sku = await shop.variant(RIO1=2)
    order = await opened(shop, sku, 2)
    await shop.count(sku, "SAO1", 9)
    await do(route_in_waves(world))
    assert located(await shop.order(order["id"])) == [("RIO1", "OPEN", [2])]


async def test_somebody_asks_for_a_wave(
    shop: Shop, world: World, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    order = await opened(shop, sku := await shop.variant(RIO1=2), 2)
    await shop.count(sku, "SAO1", 9)
    given = {"code": "web", "name": "Web", "currency": "BRL", "timeZone": "America/Sao_Paulo"}
    await shop.do(OPERATIONS, "channelSet", **given, waveSavingPercent=10)
    await send_wave(settings, "web")
    assert "ship otherwise now" in capsys.readouterr().out
    assert located(await shop.order(order["id"])) == [("SAO1", "OPEN", [2])]
    with pytest.raises(Failure, match="no channel nowhere"):
        await send_wave(settings, "nowhere")
