"""Both executors on one world: what the read compiler answers is what graphql-core, field by field, answers."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import asyncpg
import orjson

from app.tokens import seal
from domain.viewer import ANONYMOUS, SCOPES, Role, Viewer, ViewerKind
from resolvers.asides import TASKS
from resolvers.database import as_bytes, open_database
from resolvers.documents import Document
from resolvers.engine import Engine
from resolvers.writing import World as Outside
from schema.build import build
from tests.world import Row, Story, World, small_world

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
    replete(world, ana)
    return world


def replete(world: World, customer: Row) -> None:
    """Orders with a value in every column, so that every field has one to show."""
    kiosk, shop = world.channel("kiosk", "BRL"), world.rows["locations"][1]
    lamp = world.variant("LAMP", kiosk, 7_000)
    lamp.update(length_mm=100, width_mm=200, height_mm=300, hazmat=True)
    world.rows["products"][-1]["category"] = "luz ⚡"
    level = world.level(lamp, shop, 40)
    level.update(reserved=1, safety_stock=2, damaged=3)
    told = {"external_reference": "R-1 “ü”", "phone": "+5511", "note": "à porta", "deliver_by_earliest": world.now}
    whole = Story(world, kiosk, [(level, 2, 7_000), (level, 2, 7_000)], customer)
    whole.order.update(told)
    whole.decision.update(_decided(world, shop))
    whole.hold().confirm().pick().ship().deliver().ask_return().receive().inspect()
    kit, component = whole.lines
    component["kit_line_id"] = kit["id"]
    whole.work.update(service="express", packed_at=world.now, closed_at=world.now)
    whole.parts[0].update(picked=1, short=1, shipped=1)
    whole.shipment.update(service="express", estimated_delivery=world.now, handed_over_at=world.now)
    sizes = {"length_mm": 10, "width_mm": 20, "height_mm": 30}
    world.rows["packages"][-1].update(tracking_url="https://t/1", label_url="https://l/1", **sizes)
    world.add("invoices", number="NF-1", order_id=whole.order["id"], shipment_id=whole.shipment["id"],
              total_minor=1, currency="BRL", pdf_url="https://i/1", issued_at=world.now)  # fmt: skip
    whole.back.update(approved_at=world.now, expires_at=world.now, receipt_url="https://r/1", decline_reason="não")
    world.rows["return_labels"][-1]["url"] = "https://r/2"
    whole.refund.update(destination="ORIGINAL_PAYMENT", note="desculpe")
    whole.capture.update(method="card", reference="c-1", failure="por pouco")
    world.rows["order_adjustments"][-1]["reason"] = "devolução"
    world.rows["order_holds"][-1]["expires_at"] = whole.authorization["expires_at"] = world.now
    trouble = world.trouble("DELIVERY_FAILING", "Shipment", whole.shipment, whole.order)
    trouble.update(acknowledged_at=world.now, acknowledged_by_kind="STAFF", acknowledged_by="Zoë", note="ligo “já”")
    moved = world.move(level, "REVERSAL", 1, ("AVAILABLE", None), act=("Reversal", world.new_id()), line_id=None)
    moved.update(reverses_id=world.rows["stock_movements"][-2]["id"], reason="engano")
    _picked_up(world, kiosk, level, customer)


def _decided(world: World, place: Row) -> Row:
    costs = {"distance_km": 0.1, "location_id": str(place["id"]), "cost_minor": 1_234, "currency": "BRL"}
    return {
        "chosen": [{**costs, "lines": [{"sku": "LAMP", "quantity": 4}], "carrier": "correios", "service": "PAC “ü”",
                    "ship_by": world.now, "deliver_from": world.now, "deliver_by": world.now}],
        "candidates": [{**costs, "feasible": True, "rejected_because": "é longe", "rule": "verão ☀",
                        "capacity_left": 7}],
        "unfilled": [{"sku": "LAMP", "quantity": 1, "reason": "acabou"}],
        "objective": {"cost": 1_234, "lateness": 500, "split": 0, "stock": -3, "surcharge": 100, "total": 1_831},
        "gap": 0.125, "ruleset_version": 2,
    }  # fmt: skip


def _picked_up(world: World, channel: Row, level: Row, customer: Row) -> None:
    """An order that waits at the store, and one that was called off there."""
    waiting = Story(world, channel, [(level, 1, 7_000)], customer).confirm().pick()
    waiting.lines[0].update(quantity=2, open=1, total_minor=14_000)
    pickup = {"pickup_code": "4711", "ready_at": world.now, "collect_before": world.now}
    waiting.work.update(kind="PICKUP", status="READY_FOR_PICKUP", **pickup)
    called_off = Story(world, channel, [(level, 1, 7_000)], customer).cancel()
    called_off.order["cancel_reason"] = "CUSTOMER_REQUEST"


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


VIEWERS = viewers(small_world())
ROLES = list(VIEWERS)
STAFF = [name for name, viewer in VIEWERS.items() if viewer.kind is ViewerKind.STAFF]


@dataclass(frozen=True)
class Referee:
    """Asks the same of both executors."""

    world: World
    engine: Engine
    viewers: dict[str, Viewer]

    async def compiled(self, text: str, viewer: Viewer, variables: dict[str, Any]) -> Any:
        """The compiled answer; None when the document, or a value in it, was left to the ordinary executor."""
        asked, coerced = await prepared(self.engine, text, variables)
        before = self.engine.counts.compiled
        body = await self.engine.read(asked, variables, coerced, viewer)
        return parsed(body) if self.engine.counts.compiled > before else None

    async def ordinary(self, text: str, viewer: Viewer, variables: dict[str, Any]) -> Any:
        """The ordinary executor's answer."""
        asked, coerced = await prepared(self.engine, text, variables)
        return parsed(await self.engine.read_ordinarily(asked, variables, coerced, viewer))

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


async def prepared(engine: Engine, text: str, variables: dict[str, Any]) -> tuple[Document, dict[str, Any]]:
    """A document and its coerced variables, as for any request."""
    asked = await engine.documents.get(text, None)
    return asked, asked.coerce(variables)


def parsed(body: bytes) -> Any:
    """JSON with the order of keys kept and numbers as they are written; PostgreSQL writes a whole Float as 3, Python as 3.0."""
    whole = lambda text: text.removesuffix(".0")  # noqa: E731
    return json.loads(body, parse_float=whole, parse_int=str, object_pairs_hook=list)


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
        outside = Outside(database, aside=beside(url), seal=lambda claims: seal(claims, "s"), now=lambda: world.now)
        yield Referee(world, Engine(build()._schema, outside), viewers(world))


def beside(url: str) -> Callable[[str, dict[str, Any]], Awaitable[Any]]:
    """Does what a process beside this one would, in this one: a hundred of those take a minute to begin."""

    async def aside(task: str, given: dict[str, Any]) -> Any:
        connection = await asyncpg.connect(url)
        try:
            await as_bytes(connection)
            answer = await TASKS[task](connection, **orjson.loads(orjson.dumps(given, default=str)))
            return orjson.loads(orjson.dumps(answer, default=str))
        finally:
            await connection.close()

    return aside
