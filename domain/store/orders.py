"""Questions about one order: lock it under the viewer's row scope, then load it whole.

Lock and load are two statements on purpose: the second takes its snapshot after the lock was granted, so it sees
what the previous holder committed. Everything that hangs on an order is changed under the order's lock alone.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, get_type_hints
from uuid import UUID

import orjson
from asyncpg.pgproto.pgproto import UUID as FastUUID  # noqa: N811 - a uuid.UUID that parses six times faster
from sqlalchemy import Table, Uuid, bindparam, select

from domain import model
from domain.store import tables as t
from domain.store import visibility
from domain.store.changes import columns_of
from domain.store.sql import Statement, compiled
from domain.store.visibility import VIEWER_PARAMETERS, Rule
from domain.viewer import Role, Scope, Viewer

LOADED: dict[tuple[type, str], tuple[Any, str, str]] = {
    (model.Order, "lines"): (model.OrderLine, "order_id", "true order by {a}.position"),
    (model.Order, "holds"): (model.OrderHold, "order_id", "{a}.released_at is null order by {a}.id"),
    (model.Order, "adjustments"): (model.OrderAdjustment, "order_id", "true order by {a}.id"),
    (model.Order, "payments"): (model.Payment, "order_id", "true order by {a}.recorded_at, {a}.id"),
    (model.Order, "fulfillment_orders"): (model.FulfillmentOrder, "order_id", "true order by {a}.id"),
    (model.Order, "shipments"): (model.Shipment, "order_id", "true order by {a}.id"),
    (model.Order, "returns"): (model.Return, "order_id", "true order by {a}.id"),
    (model.FulfillmentOrder, "lines"): (model.FulfillmentOrderLine, "fulfillment_order_id", "true order by {a}.id"),
    (model.FulfillmentOrder, "packages"): (model.Package, "fulfillment_order_id", "true order by {a}.id"),
    (model.Package, "lines"): (model.PackageLine, "package_id", "true order by {a}.id"),
    (model.Shipment, "lines"): (model.ShipmentLine, "shipment_id", "true order by {a}.id"),
    (model.Return, "lines"): (model.ReturnLine, "return_id", "true order by {a}.id"),
}
"""How each part of an order is found. Parts not listed hold new rows only."""


@cache
def _load_order() -> str:
    return f"select {_packed(model.Order, 'o', iter(range(1, 1000)))} from orders o where o.id = $1"


def _packed(class_: Any, alias: str, numbers: Any) -> str:
    """A row as a JSON array: its columns, then its parts, in the order of the class's fields."""
    own = [f"{alias}.{name}" for name in columns_of(class_)]
    parts = [_part(class_, alias, part, numbers) for part in model.PARTS.get(class_, ())]
    return f"json_build_array({', '.join(own + parts)})"


def _part(class_: type, alias: str, part: str, numbers: Any) -> str:
    if (class_, part) not in LOADED:
        return "'[]'::json"
    inner, key, condition = LOADED[class_, part]
    a = f"p{next(numbers)}"
    where, _, order = condition.format(a=a).partition(" order by ")
    packed = _packed(inner, a, numbers)
    return (
        f"(select coalesce(json_agg({packed} order by {order}), '[]'::json)"
        f" from {inner.table} {a} where {a}.{key} = {alias}.id and {where})"
    )


@cache
def _unpacker(class_: type) -> Callable[[list[Any]], Any]:
    hints = get_type_hints(class_)
    width = len(columns_of(class_))
    readers = [_reader(hints[name]) for name in columns_of(class_)]
    inner = [
        _unpacker(LOADED[class_, part][0]) if (class_, part) in LOADED else None for part in model.PARTS.get(class_, ())
    ]

    def unpack(packed: list[Any]) -> Any:
        own = [read(value) if read and value is not None else value for read, value in zip(readers, packed)]  # noqa: B905
        parts = [tuple(map(one, rows)) if one else () for one, rows in zip(inner, packed[width:], strict=True)]
        return class_(*own, *parts)

    return unpack


def _reader(hint: Any) -> Callable[[Any], Any] | None:
    if hint in (UUID, UUID | None):
        return FastUUID
    if hint in (datetime, datetime | None):
        return datetime.fromisoformat
    if hint in (date, date | None):
        return date.fromisoformat
    return None


async def load(connection: Any, order_id: UUID) -> model.Order:
    """The whole order. Lock it first."""
    packed = orjson.loads(await connection.fetchval(_load_order(), order_id))
    order: model.Order = _unpacker(model.Order)(packed)
    return order


# -- locking -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Handle:
    """What an order can be locked by: a type, its table and column with the order's id, and who may see the row."""

    typename: str
    table: Table
    column: str
    rule: Rule


BY = {
    "Order": Handle("Order", t.orders, "id", visibility.orders),
    "DraftToPlace": Handle("Order", t.orders, "id", visibility.drafts_to_place),
    "FulfillmentOrder": Handle("FulfillmentOrder", t.fulfillment_orders, "order_id", visibility.at_location),
    "Shipment": Handle("Shipment", t.shipments, "order_id", visibility.at_location),
    "Return": Handle("Return", t.returns, "order_id", visibility.returns),
    "OrderLine": Handle("OrderLine", t.order_lines, "order_id", visibility.of_order),
    "OrderLineAtCounter": Handle("OrderLine", t.order_lines, "order_id", visibility.at_counter),
}
"""The handles, by what they are for."""


@cache
def _lock(by: str, role: Role | None, scopes: frozenset[Scope]) -> Statement:
    handle = BY[by]
    row = handle.table.alias()
    shaped = Viewer(kind=None, role=role, subject="", display_name="", scopes=scopes)  # type: ignore[arg-type]
    mine = handle.rule(shaped, row)
    found = select(row.c[handle.column]).where(row.c.id == bindparam("id", type_=Uuid), mine).scalar_subquery()
    order = t.orders
    return compiled(select(order.c.id).where(order.c.id == found).with_for_update())


async def lock(connection: Any, by: str, key: UUID, viewer: Viewer) -> UUID | None:
    """Lock the order that `key` belongs to, and give its id; None when the viewer may not see what `key` names."""
    statement = _lock(by, viewer.role, viewer.scopes)
    bounds = {name: VIEWER_PARAMETERS[name](viewer) for name in statement.names if name in VIEWER_PARAMETERS}
    found: UUID | None = await connection.fetchval(statement.sql, *statement.values(id=key, **bounds))
    return found


async def lock_by_id(connection: Any, order_id: UUID) -> None:
    """Lock an order on nobody's behalf: to record what a provider answered."""
    await connection.execute("select 1 from orders where id = $1 for update", order_id)


async def lock_all(connection: Any, order_ids: Iterable[UUID]) -> None:
    """Lock orders on nobody's behalf, in the order of their ids, as everybody does who needs several."""
    asked = "select 1 from orders where id = any($1) order by id for update"
    await connection.execute(asked, list(order_ids))


async def order_id_of(connection: Any, typename: str, key: UUID) -> UUID | None:
    """The order that something hangs on, whoever may see it: lock it before anything is told."""
    handle = BY[typename]
    asked = f"select {handle.column} from {handle.table.name} where id = $1"
    found: UUID | None = await connection.fetchval(asked, key)
    return found


async def parcel_of(connection: Any, carrier: str, tracking_number: str) -> tuple[UUID, UUID] | None:
    """(shipment, package) of a carrier's number."""
    return await connection.fetchrow(  # type: ignore[no-any-return]
        "select shipment_id, id from packages where tracking_number = $1 and carrier = $2 and shipment_id is not null",
        tracking_number,
        carrier,
    )


async def order_by_number_and_email(connection: Any, number: str, email: str) -> UUID | None:
    """The order with this number, if it was placed with this e-mail address."""
    asked = "select id from orders where number = $1 and lower(email) = lower($2) and status <> 'DRAFT'"
    found: UUID | None = await connection.fetchval(asked, number, email)
    return found
