"""Put-backs: units that were picked for what is canceled wait in quality control until somebody has shelved them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import ids
from domain.acts import Act
from domain.events import Event
from domain.model import FulfillmentOrder, FulfillmentOrderLine, Order, StockMovement, WorkItem
from domain.stock import Bucket, Ledger, MovementKind
from domain.work import PUT_BACK, Concerns, Place, Wish, create, queue_of


def of_cancellation(
    order: Order, movements: Iterable[StockMovement], codes: Mapping[UUID, str], now: datetime, act: Act
) -> tuple[list[WorkItem], list[Event]]:
    """For each location's work, one item for the units that a cancellation took off its packing table.

    They wait in quality control; `codes` are the locations'.
    """
    of_line = {line.id: (ful, line) for ful in order.fulfillment_orders for line in ful.lines}
    units: dict[UUID, list[tuple[FulfillmentOrder, FulfillmentOrderLine, int]]] = {}
    for move in waiting(movements):
        assert move.line_id is not None
        ful, line = of_line[move.line_id]
        units.setdefault(ful.id, []).append((ful, line, move.quantity))
    made = [_put_back(order, found, codes, now, act) for found in units.values()]
    return [item for item, _ in made], [event for _, event in made]


def waiting(movements: Iterable[StockMovement]) -> list[StockMovement]:
    """Entries that took picked units of what was called off into quality control."""
    deallocate = MovementKind.DEALLOCATE.value
    return [move for move in movements if move.kind == deallocate and move.to_bucket == Bucket.QUALITY_CONTROL]


def _put_back(
    order: Order,
    found: Sequence[tuple[FulfillmentOrder, FulfillmentOrderLine, int]],
    codes: Mapping[UUID, str],
    now: datetime,
    act: Act,
) -> tuple[WorkItem, Event]:
    ful = found[0][0]
    lines = [
        {
            "stockLevelId": ids.encode("StockLevel", line.stock_level_id),
            "fulfillmentOrderLineId": ids.encode("FulfillmentOrderLine", line.id),
            "sku": line.sku,
            "quantity": quantity,
        }
        for _, line, quantity in found
    ]
    place = Place(queue_of(codes[ful.location_id]), ful.location_id)
    concerns = Concerns("FulfillmentOrder", ful.id, order.id, order.customer_id, order.channel_id)
    note = f"Order {order.number} was canceled after the pick: put its units back on the shelf."
    return create(PUT_BACK, place, concerns, Wish(), now, act, payload={"lines": lines}, note=note)


@dataclass(frozen=True, slots=True)
class Units:
    """Units of one line of work that lie at one level."""

    level_id: UUID
    line_id: UUID
    quantity: int


def units_of(item: WorkItem) -> list[Units]:
    """What a put-back is about."""
    return [Units(*_keys(line), line["quantity"]) for line in item.payload["lines"]]


def _keys(line: Mapping[str, Any]) -> tuple[UUID, UUID]:
    level = ids.decode("StockLevel", line["stockLevelId"])
    part = ids.decode("FulfillmentOrderLine", line["fulfillmentOrderLineId"])
    assert level is not None
    assert part is not None
    return level, part


def shelve(item: WorkItem, ledger: Ledger) -> None:
    """The units are on the shelf again, and available."""
    kind, source, target = MovementKind.REDISPOSE, Bucket.QUALITY_CONTROL, Bucket.AVAILABLE
    for units in units_of(item):
        ledger.move(units.level_id, kind, units.quantity, source, target, line_id=units.line_id)
