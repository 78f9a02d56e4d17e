"""What staff and buyers decide about an order: confirm, hold, release, cancel; and what follows from any decision."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain import ids, kits
from domain.acts import Act
from domain.events import Event, EventType, about, numbered
from domain.fulfillment import FULFILLMENT_ORDER, FulfillmentOrderAction, FulfillmentOrderStatus
from domain.ids import new_id
from domain.model import (
    Decided,
    FulfillmentOrderLine,
    Order,
    OrderAdjustment,
    OrderHold,
    OrderLine,
    Package,
    PackageLine,
    replace,
)
from domain.orders import (
    LIVE,
    ORDER,
    AdjustmentKind,
    CancelReason,
    HoldKind,
    OrderAction,
    OrderStatus,
    canceled,
    completed,
    fulfillment_status,
    return_status,
)
from domain.payments import Tender, recorded, with_payments, with_status
from domain.refusals import InvalidInput, InvalidTransition, NotFound, QuantityExceeds
from domain.returns import OPEN as OPEN_RETURNS
from domain.stock import Bucket, Ledger, MovementKind


def derived(order: Order, act: Act) -> tuple[Order, list[Event]]:
    """The order with every derived status brought up to date; an order whose last unit found its end is completed."""
    open_returns = sum(1 for each in order.returns if each.status in OPEN_RETURNS)
    order = with_waiting(kits.with_kits(order), act)
    order = with_status(
        replace(
            order,
            fulfillment_status=fulfillment_status(order.lines).value,
            return_status=return_status(order.lines, open_returns=open_returns).value,
        )
    )
    if order.status == OrderStatus.IN_FULFILLMENT and completed(order.lines):
        order = replace(order, status=ORDER.after(OrderStatus.IN_FULFILLMENT, OrderAction.COMPLETE).value)
        order = replace(order, completed_at=act.at)
        return order, [about(order, EventType.ORDER_COMPLETED, f"Order {order.number} is complete.")]
    return order, []


FIRST_RETRY = timedelta(minutes=5)
"""What was short a moment ago may have been miscounted, or come back from a cart that was left."""


def with_waiting(order: Order, act: Act) -> Order:
    """The order in the queue of what nobody could fill, or out of it: it waits while any unit is open."""
    waits = order.status in LIVE and any(line.open for line in order.lines)
    if waits == (order.unrouted_at is not None):
        return order
    if not waits:
        return replace(order, unrouted_at=None, route_again_at=None, route_attempts=0)
    return replace(order, unrouted_at=act.recorded_at, route_again_at=act.recorded_at + FIRST_RETRY)


def confirm(order: Order, act: Act, tenders: Sequence[Tender] = ()) -> Decided:
    """Accept the order, with payments that happened elsewhere; its work opens unless something holds it."""
    status = ORDER.after(OrderStatus(order.status), OrderAction.CONFIRM)
    order = replace(order, status=status.value, confirmed_at=act.at)
    order, paid = with_payments(order, [recorded(order, tender, act) for tender in tenders])
    order, opened = with_work_offered(order)
    told = about(order, EventType.ORDER_CONFIRMED, f"Order {order.number} was confirmed.")
    return decided(order, act, [told, *paid, *opened])


def hold(order: Order, kind: HoldKind, reason: str, act: Act, expires_at: datetime | None = None) -> Decided:
    """Give a reason not to go on; work that no location has accepted is taken back."""
    ORDER.after(OrderStatus(order.status), OrderAction.HOLD)
    if expires_at is not None and expires_at <= act.at:
        raise InvalidInput("a hold ends after it began", field=("expiresAt",))
    placed = OrderHold(
        new_id(), order.id, kind.value, reason, act.at, act.actor_kind, act.actor_name, expires_at=expires_at
    )
    order = replace(order, holds=(*order.holds, placed), on_hold=True)
    order, suspended = _with_work(order, FulfillmentOrderAction.SUSPEND, EventType.FULFILLMENT_ORDER_SUSPENDED)
    data = {"kind": kind.value, "reason": reason}
    told = about(order, EventType.ORDER_HELD, f"Order {order.number} is on hold: {reason}", data=data)
    return decided(order, act, [told, *suspended])


def release(order: Order, hold_id: UUID, act: Act) -> Decided:
    """Take a hold off; with the last one, work is offered again."""
    ORDER.after(OrderStatus(order.status), OrderAction.RELEASE_HOLD)
    if all(held.id != hold_id for held in order.holds):
        raise NotFound("OrderHold", ids.encode("OrderHold", hold_id), field=("holdId",))
    holds = tuple(
        replace(held, released_at=act.at, released_by=act.actor_name) if held.id == hold_id else held
        for held in order.holds
    )
    order = replace(order, holds=holds, on_hold=any(held.released_at is None for held in holds))
    order, opened = with_work_offered(order)
    told = about(order, EventType.ORDER_HOLD_RELEASED, f"A hold was taken off order {order.number}.")
    return decided(order, act, [told, *opened])


def with_work_offered(order: Order) -> tuple[Order, list[Event]]:
    """Scheduled work is opened once the order is confirmed and nothing holds it."""
    if order.on_hold or order.status not in (OrderStatus.CONFIRMED, OrderStatus.IN_FULFILLMENT):
        return order, []
    return _with_work(order, FulfillmentOrderAction.RELEASE, EventType.FULFILLMENT_ORDER_OPENED)


def _with_work(order: Order, action: FulfillmentOrderAction, told: EventType) -> tuple[Order, list[Event]]:
    """Take `action` on all work that allows it."""
    events, work = [], []
    for ful in order.fulfillment_orders:
        status = FulfillmentOrderStatus(ful.status)
        if FULFILLMENT_ORDER.allows(status, action):
            ful = replace(ful, status=FULFILLMENT_ORDER.after(status, action).value)  # noqa: PLW2901
            events.append(about(order, told, f"Work for order {order.number}: {ful.status}.", subject=ful))
        work.append(ful)
    return replace(order, fulfillment_orders=tuple(work)), events


def decided(
    order: Order, act: Act, events: list[Event], ledger: Ledger | None = None, records: tuple[Any, ...] = ()
) -> Decided:
    """Round a decision off: derive the statuses, number the events, carry the ledger's entries along."""
    order, more = derived(order, act)
    moved = ledger.events if ledger else []
    order, counted = numbered(order, (*events, *more, *moved))
    levels = tuple(ledger.levels.values()) if ledger else ()
    return Decided(order, levels, (*records, *(ledger.movements if ledger else ())), counted)


# -- canceling -----------------------------------------------------------------------------------------------------


def units_to_cancel(order: Order, lines: Sequence[tuple[UUID, int]] | None) -> dict[UUID, int]:
    """What to call off by line: the units asked for, or all that have not left. Refused: more than there are.

    A kit is called off with its components, as long as none of them has left.
    """
    ORDER.after(OrderStatus(order.status), OrderAction.CANCEL)
    most = kits.cancelable(order)
    if lines is None:
        wanted = {line_id: units for line_id, units in most.items() if units}
        if not wanted:  # everything has left
            raise InvalidTransition(order.status, OrderAction.CANCEL, ())
        return kits.with_parts(order, wanted)
    by_id = {line.id: line for line in order.lines}
    wanted = {}
    for index, (line_id, quantity) in enumerate(lines):
        place = ("lines", str(index), "quantity")
        if line_id not in by_id:
            raise NotFound("OrderLine", ids.encode("OrderLine", line_id), field=("lines", str(index), "orderLineId"))
        kits.refuse_part(by_id[line_id], ("lines", str(index), "orderLineId"))
        wanted[line_id] = wanted.get(line_id, 0) + quantity
        if quantity < 1 or wanted[line_id] > most[line_id]:
            raise QuantityExceeds(most[line_id], field=place)
    return kits.with_parts(order, wanted)


def cancel(order: Order, wanted: dict[UUID, int], reason: CancelReason, ledger: Ledger, act: Act) -> Decided:
    """Call units off: those nobody holds first, then those not picked, then those on the packing table.

    Units not picked become available again; picked ones wait in quality control to be put back. The buyer is credited
    what the units cost, and shipping when nothing is left to ship. The ledger must hold the levels of `held_by`.
    """
    ORDER.after(OrderStatus(order.status), OrderAction.CANCEL)
    taken = {line.id: _taken(line, wanted[line.id]) for line in order.lines if line.id in wanted}
    order, gone = _with_work_canceled(order, taken, ledger)
    order = replace(order, lines=tuple(_line_canceled(line, taken.get(line.id)) for line in order.lines))
    credit = sum(wanted.get(line.id, 0) * line.unit_price_minor for line in order.lines)

    whole = canceled(order.lines)
    if whole:
        credit += order.shipping_minor
        order = replace(order, status=OrderStatus.CANCELED.value, canceled_at=act.at, cancel_reason=reason.value)
    if credit and order.adjustments:
        order = with_credit(order, AdjustmentKind.CANCELLATION, credit, reason.value, act)
    data = {"reason": reason.value, "lines": [{"orderLineId": str(id_), "quantity": n} for id_, n in wanted.items()]}
    type_ = EventType.ORDER_CANCELED if whole else EventType.ORDER_LINES_CANCELED
    told = about(order, type_, f"Order {order.number} was canceled{'' if whole else ' in part'}.", data=data)
    return decided(order, act, [told, *gone], ledger)


def held_by(order: Order) -> set[UUID]:
    """The stock levels that hold units of the order."""
    return {line.stock_level_id for ful in order.fulfillment_orders for line in ful.lines if line.held}


def with_credit(order: Order, kind: AdjustmentKind, amount_minor: int, reason: str, act: Act) -> Order:
    """The order with a credit in its books."""
    entry = OrderAdjustment(new_id(), order.id, kind.value, -amount_minor, order.currency, act.id, act.at, reason)
    return replace(order, adjustments=(*order.adjustments, entry))


def _taken(line: OrderLine, quantity: int) -> dict[str, int]:
    """Which units are called off, by where they stand."""
    taken = {}
    for stand in ("open", "backordered", "allocated", "picked"):
        taken[stand] = min(quantity, getattr(line, stand))
        quantity -= taken[stand]
    return taken


def _line_canceled(line: OrderLine, taken: dict[str, int] | None) -> OrderLine:
    if taken is None:
        return line
    left = {stand: getattr(line, stand) - units for stand, units in taken.items()}
    return replace(line, canceled=line.canceled + sum(taken.values()), **left)


def _with_work_canceled(order: Order, taken: dict[UUID, dict[str, int]], ledger: Ledger) -> tuple[Order, list[Event]]:
    """Take the units out of the work that holds them, the least advanced first; empty work is called off."""
    unpicked = {line_id: units["allocated"] for line_id, units in taken.items()}
    picked = {line_id: units["picked"] for line_id, units in taken.items()}
    by_progress = sorted(
        order.fulfillment_orders, key=lambda ful: list(FulfillmentOrderStatus).index(FulfillmentOrderStatus(ful.status))
    )
    changed, events = {}, []
    for ful in by_progress:
        lines = tuple(_work_line_canceled(order, line, unpicked, picked, ledger) for line in ful.lines)
        if lines == ful.lines:
            continue
        after = replace(ful, lines=lines, packages=_packages_opened(ful.packages, lines))
        if not any(line.held or line.shipped for line in lines):
            after = replace(after, status=FulfillmentOrderStatus.CANCELED.value, closed_at=ledger.act.at)
            told = f"Work for order {order.number} was called off."
            events.append(about(order, EventType.FULFILLMENT_ORDER_CANCELED, told, subject=after))
        changed[ful.id] = after
    work = tuple(changed.get(ful.id, ful) for ful in order.fulfillment_orders)
    return replace(order, fulfillment_orders=work), events


def _packages_opened(packages: tuple[Package, ...], lines: Sequence[FulfillmentOrderLine]) -> tuple[Package, ...]:
    """Parcels in the house without the units that are called off, the last packed first; an empty one is no parcel."""
    too_many = {line.id: line.shipped - line.picked for line in lines}
    for package in packages:
        if package.shipment_id is None:
            for part in package.lines:
                too_many[part.fulfillment_order_line_id] += part.quantity
    kept = []
    for package in reversed(packages):
        left = package
        if package.shipment_id is None:
            left = replace(package, lines=tuple(_parts_kept(package.lines, too_many)))
        if left.lines:
            kept.append(left)
    return tuple(reversed(kept))


def _parts_kept(parts: tuple[PackageLine, ...], too_many: dict[UUID, int]) -> Iterator[PackageLine]:
    for part in parts:
        units = min(part.quantity, max(0, too_many[part.fulfillment_order_line_id]))
        too_many[part.fulfillment_order_line_id] -= units
        if units < part.quantity:
            yield replace(part, quantity=part.quantity - units) if units else part


def _work_line_canceled(
    order: Order,
    line: FulfillmentOrderLine,
    unpicked: dict[UUID, int],
    picked: dict[UUID, int],
    ledger: Ledger,
) -> FulfillmentOrderLine:
    """One line of work without the units that are called off, which the ledger moves."""
    for left, room, target in (
        (unpicked, line.unpicked, Bucket.AVAILABLE),
        (picked, line.picked - line.shipped, Bucket.QUALITY_CONTROL),
    ):
        units = min(left.get(line.order_line_id, 0), room)
        if not units:
            continue
        left[line.order_line_id] -= units
        ledger.move(
            line.stock_level_id,
            MovementKind.DEALLOCATE,
            units,
            Bucket.ALLOCATED,
            target,
            line_id=line.id,
            order=order,
        )
        picked_back = units if target is Bucket.QUALITY_CONTROL else 0
        line = replace(line, canceled=line.canceled + units, picked=line.picked - picked_back)
    return line
