"""Both executors on one world: what the read compiler answers is what graphql-core, field by field, answers."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import asyncpg

from domain.viewer import ANONYMOUS, SCOPES, Role, Viewer, ViewerKind
from resolvers.database import open_database
from resolvers.engine import Engine
from resolvers.writing import World as Outside
from schema.build import build
from tests.world import Story, World, small_world

ORDERS_ADDED = 45
SHARED_MOMENT = 3
"""How many of the added orders were placed at the same moment: only their ids tell them apart."""


def wide_world() -> World:
    """The small world, with amounts of every number of digits and enough orders for several pages."""
    world = small_world()
    depot = world.rows["locations"][0]
    ana = world.rows["customers"][0]
    for code, currency in (("gulf", "BHD"), ("chile", "CLF")):
        channel = world.channel(code, currency)
        level = world.level(world.variant(f"{code.upper()}-1", channel, 1_234_567), depot, 10)
        Story(world, channel, [(level, 3, 1_234_567)], ana).pay_elsewhere()
        Story(world, channel, [(level, 1, 5)], None)
    web = world.rows["channels"][0]
    mug = world.level(world.variant("MUG", web, 1_500), depot, ORDERS_ADDED + 1)
    for number in range(ORDERS_ADDED):
        moment = world.later() if number % SHARED_MOMENT == 0 else world.now
        Story(world, web, [(mug, 1, 1_500)], ana, placed_at=moment - timedelta(minutes=1))
    jose = world.customer("jose@example.com")
    jose.update(display_name="José Łukasz d’Ávila-Souza", phone="(21) 2555-0199")
    world.rows["customer_addresses"][-1].update(postal_code="22041-011")
    Story(world, web, [(mug, 1, 1_500)], jose).order.update(
        phone="+81 90-1234-5678",
        postal_code="160 0022",
        external_reference="Mkt-7",
        email="Orders@example.com",
    )
    world.add("customers", kind="REGISTERED", email="new@example.com", display_name="New", created_at=world.now)
    return world


def staff(role: Role, **bounds: Any) -> Viewer:
    """A viewer who works for us."""
    return Viewer(ViewerKind.STAFF, role, f"staff:{role}", role.title(), SCOPES[role], **bounds)


def viewers(world: World) -> dict[str, Viewer]:
    """One of each kind of caller."""
    depot, shop = world.rows["locations"]
    ana, bob = world.rows["customers"][:2]
    delivered = world.rows["orders"][6]
    shopper = Viewer(ViewerKind.ANONYMOUS, Role.SHOPPER, "shopper", "Shopper", SCOPES[Role.SHOPPER])
    buyer = Viewer(ViewerKind.CUSTOMER, Role.CUSTOMER, "customer", "Ana", SCOPES[Role.CUSTOMER])
    guest = Viewer(ViewerKind.GUEST, Role.GUEST, "guest", "Bob", SCOPES[Role.GUEST], customer_id=bob["id"])
    return {
        "operations": staff(Role.OPERATIONS),
        "agent": staff(Role.AGENT),
        "store": staff(Role.STORE, location_ids=(shop["id"],)),
        "warehouse": staff(Role.WAREHOUSE, location_ids=(depot["id"],)),
        "unbound store": staff(Role.STORE),
        "customer": replace(buyer, customer_id=ana["id"]),
        "guest": replace(guest, order_id=delivered["id"]),
        "shopper": replace(shopper, channel_ids=(world.rows["channels"][0]["id"],)),
        "app without scopes": Viewer(ViewerKind.APP, Role.APP, "app", "App"),
        "anonymous": ANONYMOUS,
    }


ROLES = list(viewers(small_world()))


@dataclass(frozen=True)
class Referee:
    """Asks the same of both executors."""

    world: World
    engine: Engine
    viewers: dict[str, Viewer]

    async def compiled(self, text: str, viewer: Viewer, variables: dict[str, Any]) -> Any:
        """The compiled answer; None when the document, or a value in it, was left to the ordinary executor."""
        before = self.engine.counts.compiled
        asked = await self.engine.documents.get(text, None)
        body = await self.engine.read(asked, variables, asked.coerce(variables), viewer)
        return parsed(body) if self.engine.counts.compiled > before else None

    async def ordinary(self, text: str, viewer: Viewer, variables: dict[str, Any]) -> Any:
        """The ordinary executor's answer."""
        asked = await self.engine.documents.get(text, None)
        return parsed(await self.engine.read_ordinarily(asked, variables, asked.coerce(variables), viewer))

    async def ask(self, text: str, viewer: Viewer | str = "operations", /, **variables: Any) -> Any:
        """The data that both agree on."""
        who = self.viewers[viewer] if isinstance(viewer, str) else viewer
        compiled, ordinary = await self.compiled(text, who, variables), await self.ordinary(text, who, variables)
        assert compiled is not None, "this did not run compiled"
        assert compiled == ordinary
        return unordered(compiled)["data"]

    async def refuse(self, text: str, /, **variables: Any) -> str:
        """The one message with which both refuse."""
        who = self.viewers["operations"]
        assert await self.compiled(text, who, variables) is None
        answer = unordered(await self.ordinary(text, who, variables))
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT", error
        return str(error["message"])


def parsed(body: bytes) -> Any:
    """JSON with the order of keys kept and numbers as they are written."""
    return json.loads(body, parse_float=str, parse_int=str, object_pairs_hook=list)


def unordered(value: Any) -> Any:
    """The same as dicts; numbers are text."""
    if isinstance(value, list) and value and all(isinstance(each, tuple) for each in value):
        return {key: unordered(inner) for key, inner in value}
    return [unordered(each) for each in value] if isinstance(value, list) else value


@asynccontextmanager
async def refereeing(url: str) -> AsyncIterator[Referee]:
    """Both executors on a database that holds a wide world."""
    world = wide_world()
    connection = await asyncpg.connect(url)
    await world.store(connection)
    await connection.execute("ANALYZE")
    await connection.close()
    async with open_database(url, reads=2, writes=1) as database:
        yield Referee(world, Engine(build()._schema, Outside(database)), viewers(world))
