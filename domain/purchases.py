"""Supply that is bought: suppliers, and purchase orders from the draft to the last unit that arrived or never will."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.acts import Act
from domain.events import Event, EventType, counted
from domain.ids import new_id
from domain.lifecycle import Lifecycle, Step, steps
from domain.model import PurchaseOrder, PurchaseOrderLine, replace
from domain.refusals import InvalidInput, QuantityExceeds
from domain.stock import Bucket, Ledger, MovementKind
from domain.words import Word


class PurchaseOrderStatus(Word):
    """How far a purchase order has come."""

    DRAFT = "DRAFT", "Being written: nobody was told, and nothing is expected of it."
    ORDERED = "ORDERED", "The supplier was told; what is expected counts as incoming."
    PARTIALLY_RECEIVED = "PARTIALLY_RECEIVED", "Something arrived, and something is still to come."
    RECEIVED = "RECEIVED", "Nothing more is to come: all arrived, or the rest was closed short."
    CANCELED = "CANCELED", "Called off before anything arrived."


class PurchaseOrderAction(Word):
    """What can be done with a purchase order."""

    ORDER = "ORDER", "Tell the supplier."
    RESCHEDULE = "RESCHEDULE", "Expect it at another moment."
    RECEIVE = "RECEIVE", "Record what arrived, and wait for the rest."
    COMPLETE = "COMPLETE", "Record what arrived; nothing more is to come."
    CANCEL = "CANCEL", "Call it off."


_DRAFT, _ORDERED, _PART = (
    PurchaseOrderStatus.DRAFT,
    PurchaseOrderStatus.ORDERED,
    PurchaseOrderStatus.PARTIALLY_RECEIVED,
)

PURCHASE_ORDER = Lifecycle(
    "purchase order",
    _DRAFT,
    (
        Step(_DRAFT, PurchaseOrderAction.ORDER, _ORDERED),
        *(Step(status, PurchaseOrderAction.RESCHEDULE, status) for status in (_DRAFT, _ORDERED, _PART)),
        *steps((_ORDERED, _PART), PurchaseOrderAction.RECEIVE, _PART),
        *steps((_ORDERED, _PART), PurchaseOrderAction.COMPLETE, PurchaseOrderStatus.RECEIVED),
        *steps((_DRAFT, _ORDERED), PurchaseOrderAction.CANCEL, PurchaseOrderStatus.CANCELED),
    ),
)

AWAITED = (_ORDERED, _PART)
"""States in which units that have not arrived are on their way."""


# -- decisions -----------------------------------------------------------------------------------------------------

LINES_LIMIT = 100
QUANTITY_LIMIT = 1_000_000
LEAD_TIME_LIMIT = 1_000
TOLERATED = 10
"""Per cent more than was ordered that may arrive: suppliers round up to a carton, and nobody sends the rest back."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One SKU to buy."""

    variant_id: UUID
    sku: str
    name: str
    quantity: int
    unit_cost_minor: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """What arrived of one SKU: fit for sale, and broken."""

    sku: str
    received: int
    damaged: int


@dataclass(frozen=True, slots=True)
class Terms:
    """From whom, where to, and until when."""

    number: str
    supplier_id: UUID
    location_id: UUID
    currency: str
    expected_at: datetime
    reference: str | None
    note: str | None


def create(terms: Terms, wanted: Sequence[Wanted], act: Act, *, order: bool) -> tuple[PurchaseOrder, list[Event]]:
    """A purchase order; `order` tells the supplier at once."""
    id_ = new_id()
    lines = tuple(
        PurchaseOrderLine(
            new_id(),
            id_,
            position,
            one.variant_id,
            one.sku,
            one.name,
            one.quantity,
            terms.currency,
            one.unit_cost_minor,
        )
        for position, one in enumerate(wanted, start=1)
    )
    bought = PurchaseOrder(
        id=id_,
        number=terms.number,
        supplier_id=terms.supplier_id,
        location_id=terms.location_id,
        status=PurchaseOrderStatus.DRAFT.value,
        currency=terms.currency,
        expected_at=terms.expected_at,
        created_at=act.at,
        reference=terms.reference,
        note=terms.note,
        lines=lines,
    )
    bought, created = _told(bought, EventType.PURCHASE_ORDER_CREATED, f"Purchase order {bought.number} was written.")
    if not order:
        return bought, [created]
    bought, ordered = submit(bought, act)
    return bought, [created, ordered]


def submit(bought: PurchaseOrder, act: Act) -> tuple[PurchaseOrder, Event]:
    """The supplier is told."""
    status = PURCHASE_ORDER.after(PurchaseOrderStatus(bought.status), PurchaseOrderAction.ORDER)
    bought = replace(bought, status=status.value, ordered_at=act.at)
    units = sum(line.ordered for line in bought.lines)
    told = f"{units} units of purchase order {bought.number} are on their way."
    return _told(bought, EventType.PURCHASE_ORDER_ORDERED, told)


def reschedule(bought: PurchaseOrder, expected_at: datetime) -> tuple[PurchaseOrder, Event]:
    """The supplier will be earlier, or late."""
    PURCHASE_ORDER.after(PurchaseOrderStatus(bought.status), PurchaseOrderAction.RESCHEDULE)
    was, bought = bought.expected_at, replace(bought, expected_at=expected_at)
    data = {"was": was.isoformat(), "expectedAt": expected_at.isoformat()}
    told = f"Purchase order {bought.number} is expected at another moment."
    return _told(bought, EventType.PURCHASE_ORDER_RESCHEDULED, told, data)


def cancel(bought: PurchaseOrder, act: Act) -> tuple[PurchaseOrder, Event]:
    """Call it off before anything arrived."""
    status = PURCHASE_ORDER.after(PurchaseOrderStatus(bought.status), PurchaseOrderAction.CANCEL)
    lines = tuple(replace(line, canceled=line.ordered) for line in bought.lines)
    bought = replace(bought, status=status.value, closed_at=act.at, lines=lines)
    return _told(bought, EventType.PURCHASE_ORDER_CANCELED, f"Purchase order {bought.number} was called off.")


def arriving(bought: PurchaseOrder, arrived: Sequence[Arrived], *, close_short: bool) -> list[PurchaseOrderLine]:
    """The lines that something arrived of, in the order given; refused: what cannot be, or never was ordered."""
    PURCHASE_ORDER.after(PurchaseOrderStatus(bought.status), PurchaseOrderAction.RECEIVE)
    by_sku = {line.sku: line for line in bought.lines}
    named_once([one.sku for one in arrived], needed=not close_short)
    for index, one in enumerate(arrived):
        place = ("lines", str(index))
        line = by_sku.get(one.sku)
        if line is None:
            raise InvalidInput(f"{one.sku} is not in this purchase order", field=(*place, "sku"))
        most = line.ordered + line.ordered * TOLERATED // 100 - line.received - line.damaged - line.canceled
        if min(one.received, one.damaged) < 0 or not 0 < one.received + one.damaged <= most:
            raise QuantityExceeds(most, field=(*place, "received"))
    if not arrived and not any(line.received or line.damaged for line in bought.lines):
        raise InvalidInput("nothing has arrived: cancel it instead", field=("closeShort",))
    return [by_sku[one.sku] for one in arrived]


def receive(
    bought: PurchaseOrder,
    arrived: Sequence[Arrived],
    level_of: Mapping[UUID, UUID],
    ledger: Ledger,
    *,
    close_short: bool,
) -> tuple[PurchaseOrder, Event]:
    """Put on the shelf what arrived; what is broken stays apart. `level_of`: variant → level."""
    found = {one.sku: one for one in arrived}
    for line in bought.lines:
        for units, bucket in _arrived(found.get(line.sku)):
            level = level_of[line.variant_id]
            ledger.move(level, MovementKind.RECEIVE, units, None, bucket, line_id=line.id)
    bought = replace(bought, lines=tuple(_received(line, found.get(line.sku), close_short) for line in bought.lines))
    ends = not any(line.outstanding for line in bought.lines)
    action = PurchaseOrderAction.COMPLETE if ends else PurchaseOrderAction.RECEIVE
    status = PURCHASE_ORDER.after(PurchaseOrderStatus(bought.status), action)
    bought = replace(bought, status=status.value, closed_at=ledger.act.at if ends else None)
    received, damaged = sum(one.received for one in arrived), sum(one.damaged for one in arrived)
    told = (
        f"{received + damaged} units of purchase order {bought.number} arrived{f', {damaged} damaged' * bool(damaged)}."
    )
    data = {"received": received, "damaged": damaged, "canceled": sum(line.canceled for line in bought.lines)}
    return _told(bought, EventType.PURCHASE_ORDER_RECEIVED, told, data)


def _arrived(one: Arrived | None) -> list[tuple[int, Bucket]]:
    if one is None:
        return []
    return [(n, bucket) for n, bucket in ((one.received, Bucket.AVAILABLE), (one.damaged, Bucket.DAMAGED)) if n]


def _received(line: PurchaseOrderLine, one: Arrived | None, close_short: bool) -> PurchaseOrderLine:
    if one is not None:
        line = replace(line, received=line.received + one.received, damaged=line.damaged + one.damaged)
    return replace(line, canceled=line.canceled + line.outstanding) if close_short else line


def _told(
    bought: PurchaseOrder, type_: EventType, message: str, data: dict[str, Any] | None = None
) -> tuple[PurchaseOrder, Event]:
    return counted(bought, type_, message, data=data or {}, location_id=bought.location_id)


def named_once(skus: Sequence[str], *, needed: bool = True) -> None:
    """Refuse what names a SKU twice, or nothing where something is needed."""
    if len(set(skus)) < len(skus):
        raise InvalidInput("a SKU is named twice", field=("lines",))
    if not int(needed) <= len(skus) <= LINES_LIMIT:
        raise InvalidInput(f"1 to {LINES_LIMIT} lines at once", field=("lines",))
