"""Stock: what lies where, in which bucket, and every movement that made it so."""

from datetime import date, datetime
from functools import reduce
from operator import add
from typing import Annotated, Any

import strawberry
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    DateTime,
    Double,
    FromClause,
    Integer,
    Numeric,
    Select,
    Text,
    cast,
    func,
    literal_column,
    select,
    union_all,
)

from domain.calendars import Weekday
from domain.demand import LONG_DAYS, SHORT_DAYS
from domain.stock import Bucket, LocationKind, MovementKind
from domain.store import tables as t
from domain.store import visibility
from domain.viewer import Scope
from resolvers.reading.arguments import Argument
from resolvers.reading.mapping import (
    Condition,
    Pages,
    Reread,
    Row,
    Sort,
    Subject,
    Values,
    aggregate,
    asks,
    column,
    inline,
    many,
    one,
    reads,
)
from schema.common import (
    Actor,
    Address,
    After,
    Before,
    Connection,
    CountryCode,
    First,
    Last,
    Money,
    Node,
    actor,
    address,
    constant,
    entity,
    id_of,
    labels,
    money,
    words,
)

words(LocationKind)
words(Weekday)
words(Bucket)
words(MovementKind)

BUCKETS = ("on_hand", "available", "reserved", "allocated", "safety_stock", "quality_control", "damaged")


@strawberry.type(description="Whose public holidays a location keeps.")
class HolidayCalendar:
    """A country, or a part of it."""

    country: CountryCode = column("country", "The country.")
    subdivision: str | None = column(
        "subdivision", "The state, province or canton; null: holidays of the whole country."
    )


@strawberry.type(description="What it costs a location to ship, before any carrier, for channels of one currency.")
@entity(t.location_costs, visibility.routing_setup)
class LocationCost:
    """Costs in one currency."""

    packing: Money = money("packing_minor", "What each parcel costs: box, tape and time.")
    handling: Money = money("handling_minor", "What each unit costs to pick.")


@strawberry.type(description="A place where stock is: a warehouse, a store, a supplier or a logistics partner.")
@entity(t.locations, visibility.locations)
class Location(Node):
    """A location."""

    id: strawberry.ID = id_of("Location")
    code: str = column("code", "The short name that programs use; unique.")
    name: str = column("name", "The name that people use.")
    kind: LocationKind = column("kind", "What sort of place it is.")
    address: Address | None = address("Where it is.")
    latitude: float | None = column("latitude", "Degrees north.")
    longitude: float | None = column("longitude", "Degrees east.")
    tags: list[str] = labels()
    time_zone: str | None = column(
        "time_zone", "The IANA time zone of its days; null: the channel's, whose order it is."
    )
    working_days: list[Weekday] = column("working_days", "The days on which it ships; at most 7.")
    cutoff: str | None = column(
        lambda place: func.to_char(place.c.cutoff, "HH24:MI"),
        "Until when orders begin on the same day, such as 14:00; null: midnight.",
    )
    handling_days: int = column("handling_days", "Working days until a parcel leaves; 0: the order's own day.")
    holiday_calendar: HolidayCalendar | None = inline(
        lambda place: Values(country=place.c.holiday_country, subdivision=place.c.holiday_subdivision),
        "Whose public holidays it keeps; null: none.",
        present=lambda place: place.c.holiday_country,
    )
    closures: list[date] = column(
        lambda place: cast(place.c.closures, ARRAY(Text)), "Days on which it is closed besides; at most 366."
    )
    daily_capacity: int | None = column(
        "daily_capacity", "The most parcels that leave on one day; null: no limit.", needs=Scope.ROUTING_READ
    )
    costs: list[LocationCost] = many(
        lambda place, cost: cost.c.location_id == place.c.id,
        lambda cost: [cost.c.currency],
        "What it costs to ship from here, by currency; scope routing:read; at most 20.",
        limit=20,
        needs=Scope.ROUTING_READ,
    )


@strawberry.type(description="What one location has of one variant, by bucket.")
@entity(t.stock_levels, visibility.stock)
class StockLevel(Node):
    """A stock level: on hand = available + reserved + allocated + safety stock + quality control + damaged."""

    id: strawberry.ID = id_of("StockLevel")
    location: Location = one(lambda level, place: place.c.id == level.c.location_id, "Where it lies.")
    variant: Annotated["Variant", strawberry.lazy("schema.catalog")] = one(
        lambda level, variant: variant.c.id == level.c.variant_id, "What lies there."
    )
    on_hand: int = column("on_hand", "Units under the roof, in every bucket together.")
    available: int = column("available", Bucket.AVAILABLE.description)
    reserved: int = column("reserved", Bucket.RESERVED.description)
    allocated: int = column("allocated", Bucket.ALLOCATED.description)
    safety_stock: int = column("safety_stock", Bucket.SAFETY_STOCK.description)
    quality_control: int = column("quality_control", Bucket.QUALITY_CONTROL.description)
    damaged: int = column("damaged", Bucket.DAMAGED.description)
    incoming: int = column(
        lambda level: incoming_units(level.c.variant_id, level.c.location_id),
        "Units on their way here now: of purchase orders and transfers. They are no part of onHand.",
    )
    demand: "Demand" = aggregate(
        lambda level: _demand(level, location_id=level.c.location_id),
        "What is ordered of it here: units of orders that were given to this location.",
    )
    version: int = column("version", "Grows with every movement.")


@strawberry.type(description="One entry of the stock ledger: units that went from a bucket to a bucket. Never changed.")
@entity(t.stock_movements, visibility.stock)
class StockMovement(Node):
    """A ledger entry; outside the roof the bucket is null."""

    id: strawberry.ID = id_of("StockMovement")
    kind: MovementKind = column("kind", "Why the units moved.")
    quantity: int = column("quantity", "How many units; always more than zero.")
    location: Location = one(lambda move, place: place.c.id == move.c.location_id, "Where it happened.")
    variant: Annotated["Variant", strawberry.lazy("schema.catalog")] = one(
        lambda move, variant: variant.c.id == move.c.variant_id, "What moved."
    )
    from_bucket: Bucket | None = column("from_bucket", "The bucket they left; null when they came from outside.")
    from_balance_after: int | None = column("from_balance_after", "What that bucket held afterwards.")
    to_bucket: Bucket | None = column("to_bucket", "The bucket they entered; null when they left the roof.")
    to_balance_after: int | None = column("to_balance_after", "What that bucket held afterwards.")
    cause: Node | None = reads(
        Subject(lambda move, _arguments: move.c.act_type, lambda move, _arguments: move.c.act_id),
        "The act that moved them: a routing decision, a shipment, a return; null where no object stands for it, and where "
        "you may not see it (a decision needs routing:read).",
    )
    order: Annotated["Order", strawberry.lazy("schema.orders")] | None = one(
        lambda move, order: order.c.id == _order_of(move),
        "The order whose units moved: allocated, taken back, shipped or returned. Null where none did, and where you may "
        "not see it.",
        follows=visibility.NOBODY,
    )
    reverses: Annotated["StockMovement", strawberry.lazy("schema.stock")] | None = one(
        lambda move, other: other.c.id == move.c.reverses_id, "The entry that this one undoes."
    )
    reason: str | None = column("reason", "What whoever did it said.")
    actor: Actor = actor("actor_kind", "actor_name", "Who did it.")
    occurred_at: datetime = column("occurred_at", "When it happened.")
    recorded_at: datetime = column("recorded_at", "When we were told.")


def _order_of(move: Row) -> ColumnElement[Any]:
    """Whose line an entry names: bought, worked on or returned. Of a receipt, a transfer or a cart it is no order's."""
    bought, hanging = t.order_lines.alias(), (t.fulfillment_order_lines.alias(), t.return_lines.alias())
    lines = [
        select(line.c.order_line_id).where(line.c.id == move.c.line_id).correlate(move).scalar_subquery()
        for line in hanging
    ]
    found = select(bought.c.order_id).where(bought.c.id == func.coalesce(*lines, move.c.line_id))
    return found.correlate(move).scalar_subquery()


def incoming_units(variant_id: Any, location_id: Any = None, *, in_transit: bool = False) -> ColumnElement[int]:
    """Units on their way: to one location or to any, all of them or those in transit between locations."""
    supply = t.incoming.alias()
    units = select(func.coalesce(func.sum(supply.c.quantity), 0)).where(supply.c.variant_id == variant_id)
    if location_id is not None:
        units = units.where(supply.c.location_id == location_id)
    if in_transit:
        units = units.where(supply.c.source_type == "Transfer")
    return cast(units.correlate_except(supply).scalar_subquery(), Integer)


def _backordered(total: Row) -> ColumnElement[int]:
    line = t.order_lines.alias()
    wanted = select(func.coalesce(func.sum(line.c.backordered), 0)).where(line.c.variant_id == total.c.variant_id)
    return cast(wanted.correlate_except(line).scalar_subquery(), Integer)


def _totals(inventory: Row) -> Select[Any]:
    """The sums over a variant's levels, and the variant itself."""
    level = t.stock_levels.alias()
    sums = [cast(func.coalesce(func.sum(level.c[name]), 0), Integer).label(name) for name in BUCKETS]
    variant = inventory.c.variant_id.label("variant_id")
    found: Any = select(*sums, variant).where(level.c.variant_id == inventory.c.variant_id)
    return found.select_from(level)  # type: ignore[no-any-return]


def _total(bucket: str) -> Any:
    return column(bucket, f"Units in this bucket over all locations: {bucket.replace('_', ' ')}.")


@strawberry.type(description="A variant's stock over all locations.")
class InventoryTotal:
    """Sums of the buckets."""

    on_hand: int = _total("on_hand")
    available: int = _total("available")
    reserved: int = _total("reserved")
    allocated: int = _total("allocated")
    safety_stock: int = _total("safety_stock")
    quality_control: int = _total("quality_control")
    damaged: int = _total("damaged")
    incoming: int = column(
        lambda total: incoming_units(total.c.variant_id), "Units on their way: of purchase orders and transfers."
    )
    backordered: int = column(_backordered, "Units that orders wait for and no location has.")
    in_transit: int = column(
        lambda total: incoming_units(total.c.variant_id, in_transit=True),
        "Units that left one location for another and have not arrived: a part of `incoming`.",
    )


# -- demand ----------------------------------------------------------------------------------------------------------


def today() -> ColumnElement[Any]:
    """The day it is in UTC."""
    return cast(func.timezone("UTC", func.now()), Date)


def _wanted(variant_id: Any, location_id: Any | None, days: int) -> ColumnElement[int]:
    """Units of the last so many days that orders were given, by location or everywhere; today is one of them."""
    counted = t.demand_days.alias()
    units = select(func.coalesce(func.sum(counted.c.units), 0)).where(
        counted.c.variant_id == variant_id, counted.c.day > today() - days
    )
    if location_id is not None:
        return units.where(counted.c.location_id == location_id).correlate_except(counted).scalar_subquery()
    given: ColumnElement[int] = units.correlate_except(counted).scalar_subquery()
    return given + _waiting(variant_id, "open", days) + _waiting(variant_id, "backordered", days)


def _waiting(variant_id: Any, state: str, days: int) -> ColumnElement[int]:
    """Units of orders of the last so many days that no location has been given."""
    line, order = t.order_lines.alias(), t.orders.alias()
    since = func.timezone("UTC", cast(today() - (days - 1), DateTime))
    units = select(func.coalesce(func.sum(line.c[state]), 0)).where(
        line.c.variant_id == variant_id, line.c[state] > 0, order.c.id == line.c.order_id, order.c.placed_at >= since
    )
    return units.correlate_except(line, order).scalar_subquery()


def _demand(row: Row, location_id: Any = None) -> Select[Any]:
    """Demand of a variant, at one location or everywhere, and what there is to meet it."""
    variant = t.variants.alias()
    if location_id is None:
        level = t.stock_levels.alias()
        everywhere = select(func.coalesce(func.sum(level.c.available), 0)).where(level.c.variant_id == variant.c.id)
        available: Any = everywhere.correlate_except(level).scalar_subquery()
    else:
        available = row.c.available
    return (
        select(
            cast(_wanted(variant.c.id, location_id, SHORT_DAYS), Integer).label("last7"),
            cast(_wanted(variant.c.id, location_id, LONG_DAYS), Integer).label("last30"),
            func.least(literal_column(str(LONG_DAYS)), age_days(variant)).label("days"),
            cast(available, Integer).label("available"),
        )
        .where(variant.c.id == row.c.variant_id)
        .select_from(variant)
    )


def age_days(variant: Row) -> ColumnElement[int]:
    """For how many days there has been something to order; today is one of them. Orders of before it was entered count."""
    counted = t.demand_days.alias()
    ordered = select(func.min(counted.c.day)).where(counted.c.variant_id == variant.c.id).correlate_except(counted)
    began = func.least(cast(func.timezone("UTC", variant.c.created_at), Date), ordered.scalar_subquery())
    days: ColumnElement[int] = func.greatest(literal_column("1"), today() - began + 1)
    return days


def rounded(value: Any, digits: int) -> ColumnElement[float]:
    """A number as a Float with so many digits behind the point."""
    return cast(func.round(cast(value, Numeric), literal_column(str(digits))), Double)


@strawberry.type(
    description="What was ordered of late, today (UTC) included; what was called off since does not count."
)
class Demand:
    """Units by window."""

    last7_days: int = column("last7", "Units of orders of the last 7 days.")
    last30_days: int = column("last30", "Units of orders of the last 30 days.")
    per_day: float = column(
        lambda demand: rounded(cast(demand.c.last30, Numeric) / demand.c.days, 3),
        "Units a day over the last 30 days, or since the variant was entered or first ordered.",
    )
    days_of_cover: float | None = column(
        lambda demand: rounded(
            cast(demand.c.available, Numeric) * demand.c.days / func.nullif(demand.c.last30, literal_column("0")), 1
        ),
        "For how many such days what is available will do; null while nothing is ordered.",
    )


@strawberry.type(description="Supply of one variant that is on its way to one location.")
@entity(t.incoming, visibility.stock)
class Incoming(Node):
    """What is still to come of one line of a purchase order or a transfer; gone when all of it has come."""

    id: strawberry.ID = id_of("Incoming")
    expected_at: datetime = column("expected_at", "When it should be there.")
    quantity: int = column("quantity", "Units still to come.")
    source: Node | None = reads(
        Subject(lambda supply, _arguments: supply.c.source_type, lambda supply, _arguments: supply.c.source_id),
        "What it comes by: a purchase order or a transfer; null where you may not see it.",
    )
    location: Location = one(lambda supply, place: place.c.id == supply.c.location_id, "Where it goes.")
    variant: Annotated["Variant", strawberry.lazy("schema.catalog")] = one(
        lambda supply, variant: variant.c.id == supply.c.variant_id, "What comes."
    )


INCOMING_SORTS: dict[str, tuple[Sort, bool]] = {
    "EXPECTED_AT": (lambda supply: [supply.c.expected_at, supply.c.id], False)
}


LEVEL_SORTS: dict[str, tuple[Sort, bool]] = {"ID": (lambda level: [level.c.id], False)}


@strawberry.type(description="A variant's stock: in all, and location by location.")
class Inventory:
    """What there is of a variant."""

    total: InventoryTotal = aggregate(_totals, "Over all locations together.")

    @asks(
        Pages(lambda inventory, level, _arguments: level.c.variant_id == inventory.c.variant_id, LEVEL_SORTS, "ID"),
        "Location by location; a store or warehouse sees its own.",
    )
    def levels(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[StockLevel]:
        """Stock levels of the variant."""

    @asks(
        Pages(
            lambda inventory, supply, _arguments: supply.c.variant_id == inventory.c.variant_id,
            INCOMING_SORTS,
            "EXPECTED_AT",
        ),
        "What is on its way, the next to arrive first; a store or warehouse sees what comes to it.",
    )
    def incoming(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Incoming]:
        """Supply of the variant."""

    demand: Demand = aggregate(_demand, "What is ordered of it, everywhere together.")


def inventory_of(variant: Row) -> Values:
    """The row of an `Inventory`: the variant's id."""
    return Values(variant_id=variant.c.id)


@strawberry.input(description="Which ledger entries.")
class StockMovementFilter:
    """A filter of the ledger; what is given must hold together."""

    sku: str | None = strawberry.field(default=None, description="Entries of this SKU.")
    location_id: strawberry.ID | None = strawberry.field(default=None, description="Entries at this location.")
    kind: MovementKind | None = strawberry.field(default=None, description="Entries of this kind.")


def _of_sku(move: FromClause, sku: Argument) -> ColumnElement[bool]:
    variant = select(t.variants.c.id).where(t.variants.c.sku == sku.bind(Text()))
    return move.c.variant_id == variant.scalar_subquery()


MOVEMENT_FILTERS: dict[str, Condition] = {
    "sku": _of_sku,
    "locationId": lambda move, given: move.c.location_id == given.key("Location"),
    "kind": lambda move, given: move.c.kind == constant(given),
}

MOVEMENT_SORTS: dict[str, tuple[Sort, bool]] = {"RECORDED_AT": (lambda move: [move.c.recorded_at, move.c.id], True)}


@strawberry.input(description="Which stock levels.")
class StockLevelFilter:
    """A filter of stock levels; what is given must hold together."""

    sku: str | None = strawberry.field(default=None, description="Levels of this SKU.")
    location_id: strawberry.ID | None = strawberry.field(default=None, description="Levels at this location.")


LEVEL_FILTERS: dict[str, Condition] = {
    "sku": _of_sku,
    "locationId": lambda level, given: level.c.location_id == given.key("Location"),
}


def _balance(level: Row, bucket: str, moment: Argument) -> ColumnElement[int]:
    """What a bucket held at a moment: its last entry at or before then says so, read off the index of its side."""
    last = union_all(*(_last_entry(level, side, bucket, moment) for side in ("from", "to"))).subquery()
    newest = select(last.c.balance).order_by(last.c.recorded_at.desc(), last.c.id.desc()).limit(literal_column("1"))
    held: ColumnElement[int] = func.coalesce(newest.scalar_subquery(), literal_column("0"))
    return held


def _last_entry(level: Row, side: str, bucket: str, moment: Argument) -> Select[Any]:
    entry = t.stock_movements.alias()
    return (
        select(entry.c.recorded_at, entry.c.id, entry.c[f"{side}_balance_after"].label("balance"))
        .where(
            entry.c.stock_level_id == level.c.id,
            entry.c[f"{side}_bucket"] == literal_column(f"'{bucket.upper()}'", Text),
            entry.c.recorded_at <= moment.bind(DateTime(timezone=True)),
        )
        .order_by(entry.c.recorded_at.desc(), entry.c.id.desc())
        .limit(literal_column("1"))
        .correlate_except(entry)
    )


def _as_of(bucket: str) -> Reread:
    return lambda level, moment: _balance(level, bucket, moment)


def _on_hand_as_of(level: Row, moment: Argument) -> ColumnElement[int]:
    return reduce(add, (_balance(level, bucket, moment) for bucket in BUCKETS[1:]))


def _version_as_of(level: Row, moment: Argument) -> ColumnElement[int]:
    """Each entry made one version."""
    entry = t.stock_movements.alias()
    since = select(func.count()).where(
        entry.c.variant_id == level.c.variant_id,
        entry.c.location_id == level.c.location_id,
        entry.c.recorded_at > moment.bind(DateTime(timezone=True)),
    )
    then: ColumnElement[int] = level.c.version - cast(since.correlate_except(entry).scalar_subquery(), Integer)
    return then


LEVEL_AS_OF: dict[str, Reread] = {
    **{bucket: _as_of(bucket) for bucket in BUCKETS[1:]},
    "on_hand": _on_hand_as_of,
    "version": _version_as_of,
}
"""The columns of a level as the ledger says they were."""
