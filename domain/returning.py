"""Returning: ask, allow, receive, inspect, settle. Receipt, inspection and refund are separate facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from domain import ids, kits
from domain.acts import Act
from domain.events import Event, EventType, about
from domain.ids import new_id
from domain.model import Decided, Order, OrderLine, Return, ReturnInspection, ReturnLine, replace
from domain.ordering import decided, with_credit
from domain.orders import AdjustmentKind
from domain.refusals import InvalidInput, NotFound, NotReturnable, QuantityExceeds
from domain.returns import (
    BUCKET_OF,
    RETURN,
    Condition,
    Disposition,
    LineHistory,
    NotReturnableReason,
    ReturnAction,
    ReturnMethod,
    ReturnReason,
    ReturnStatus,
    returnability,
)
from domain.stock import Bucket, Ledger, MovementKind

PATIENCE = timedelta(days=30)
"""How long an approved return is waited for."""


@dataclass(frozen=True, slots=True)
class Announced:
    """Units that are to come back, and why."""

    line_id: UUID
    quantity: int
    reason: ReturnReason
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Units of a return line in one state, and what becomes of them."""

    line_id: UUID
    quantity: int
    condition: Condition
    disposition: Disposition


def return_of(order: Order, id_: UUID) -> Return:
    """A return of the order."""
    return next(back for back in order.returns if back.id == id_)


def with_return(order: Order, after: Return) -> Order:
    """The order with one return as it is now."""
    return replace(order, returns=tuple(after if back.id == after.id else back for back in order.returns))


def stepped(back: Return, action: ReturnAction) -> Return:
    """The return after a step of its lifecycle."""
    return replace(back, status=RETURN.after(ReturnStatus(back.status), action).value)


# -- asking --------------------------------------------------------------------------------------------------------


def request(
    order: Order, announced: Sequence[Announced], method: ReturnMethod, number: str, window_days: int, act: Act
) -> tuple[Order, Return, Event]:
    """Announce units. Refused: units that were not delivered, came back already, or came too long ago."""
    units = _by_line(announced)
    for index, (line_id, quantity) in enumerate(units.items()):
        _check(order, line_id, quantity, window_days, act, ("lines", str(index)))

    id_ = new_id()
    prices = {line.id: line.unit_price_minor for line in order.lines}
    back = Return(
        id=id_,
        number=number,
        order_id=order.id,
        channel_id=order.channel_id,
        method=method.value,
        status=ReturnStatus.REQUESTED.value,
        currency=order.currency,
        estimated_refund_minor=sum(prices[line_id] * quantity for line_id, quantity in units.items()),
        requested_at=act.at,
        customer_id=order.customer_id,
        expires_at=act.at + PATIENCE,
        lines=tuple(
            ReturnLine(new_id(), id_, each.line_id, each.quantity, each.reason.value, each.comment)
            for each in announced
        ),
    )
    awaited = kits.with_parts(order, units)
    lines = tuple(_awaiting(line, awaited.get(line.id, 0)) for line in order.lines)
    order = replace(order, lines=lines, returns=(*order.returns, back))
    told = f"Return {number} of order {order.number} was requested."
    return order, back, about(order, EventType.RETURN_REQUESTED, told, subject=back)


def _by_line(announced: Sequence[Announced]) -> dict[UUID, int]:
    units: dict[UUID, int] = {}
    for index, each in enumerate(announced):
        if each.quantity < 1:
            raise InvalidInput("a quantity is at least 1", field=("lines", str(index), "quantity"))
        units[each.line_id] = units.get(each.line_id, 0) + each.quantity
    return units


def _check(order: Order, line_id: UUID, quantity: int, window_days: int, act: Act, place: tuple[str, ...]) -> None:
    line = next((line for line in order.lines if line.id == line_id), None)
    public = ids.encode("OrderLine", line_id)
    if line is None:
        raise NotFound("OrderLine", public, field=(*place, "orderLineId"))
    history = LineHistory(
        line.delivered, line.returned, line.in_open_returns, line.delivered_at, is_part=line.kit_line_id is not None
    )
    able = returnability(history, window_days=window_days, now=act.at)
    if quantity > able.quantity:
        reason = able.reason or NotReturnableReason.ALREADY_RETURNED
        raise NotReturnable(public, reason.value, able.quantity, able.deadline, field=(*place, "quantity"))


def _awaiting(line: OrderLine, units: int) -> OrderLine:
    return replace(line, in_open_returns=line.in_open_returns + units) if units else line


# -- answering -----------------------------------------------------------------------------------------------------


def approve(order: Order, back: Return, act: Act) -> tuple[Order, Return, Event]:
    """Allow it."""
    back = replace(stepped(back, ReturnAction.APPROVE), approved_at=act.at)
    order = with_return(order, back)
    return order, back, about(order, EventType.RETURN_APPROVED, f"Return {back.number} was approved.", subject=back)


def decline(order: Order, back: Return, reason: str, act: Act) -> Decided:
    """Refuse it: the units are no longer awaited."""
    back = replace(stepped(back, ReturnAction.DECLINE), decline_reason=reason, closed_at=act.at)
    order = _no_longer_awaited(with_return(order, back), back)
    told = f"Return {back.number} was declined: {reason}"
    return decided(order, act, [about(order, EventType.RETURN_DECLINED, told, subject=back)])


def _no_longer_awaited(order: Order, back: Return) -> Order:
    units: dict[UUID, int] = {}
    for line in back.lines:
        units[line.order_line_id] = units.get(line.order_line_id, 0) + line.awaited
    units = kits.with_parts(order, units)
    return replace(order, lines=tuple(_awaiting(line, -units.get(line.id, 0)) for line in order.lines))


# -- receiving -----------------------------------------------------------------------------------------------------


def receive(
    order: Order,
    back: Return,
    arrived: Sequence[tuple[UUID, int]],
    location_id: UUID,
    level_of: Mapping[UUID, UUID],
    ledger: Ledger,
    act: Act,
) -> tuple[Order, Return, Event]:
    """Take units in: they wait in quality control. `level_of`: order line → the level at this location."""
    if back.location_id not in (None, location_id):
        raise InvalidInput("the rest is received where the first units were", field=("locationId",))
    units = _arrived(back, arrived)
    lines = tuple(
        replace(line, received_quantity=line.received_quantity + units.get(line.id, 0)) if line.id in units else line
        for line in back.lines
    )
    whole = not any(line.awaited for line in lines)
    back = stepped(back, ReturnAction.RECEIVE if whole else ReturnAction.RECEIVE_PART)
    received_at = act.at if whole else back.received_at
    back = replace(back, lines=lines, location_id=location_id, received_at=received_at)

    of_line: dict[UUID, int] = {}
    for line in back.lines:
        if line.id in units:
            of_line[line.order_line_id] = of_line.get(line.order_line_id, 0) + units[line.id]
            _take_in(order, line, units[line.id], level_of, ledger)
    of_line = kits.with_parts(order, of_line)
    order = with_return(order, back)
    order = replace(order, lines=tuple(_returned(line, of_line.get(line.id, 0)) for line in order.lines))
    told = f"Units of return {back.number} arrived."
    return order, back, about(order, EventType.RETURN_RECEIVED, told, subject=back, data={"units": sum(units.values())})


def _arrived(back: Return, arrived: Sequence[tuple[UUID, int]]) -> dict[UUID, int]:
    awaited = {line.id: line.awaited for line in back.lines}
    units: dict[UUID, int] = {}
    for index, (line_id, quantity) in enumerate(arrived):
        place = ("lines", str(index))
        if line_id not in awaited:
            raise NotFound("ReturnLine", ids.encode("ReturnLine", line_id), field=(*place, "returnLineId"))
        units[line_id] = units.get(line_id, 0) + quantity
        if quantity < 1 or units[line_id] > awaited[line_id]:
            raise QuantityExceeds(awaited[line_id], field=(*place, "quantity"))
    return units


def _take_in(order: Order, line: ReturnLine, units: int, level_of: Mapping[UUID, UUID], ledger: Ledger) -> None:
    kind, target = MovementKind.RETURN_RECEIVE, Bucket.QUALITY_CONTROL
    for part, each in kits.stocked(order, line.order_line_id):
        ledger.move(level_of[part.id], kind, units * each, None, target, line_id=line.id, order=order)


def _returned(line: OrderLine, units: int) -> OrderLine:
    if not units:
        return line
    return replace(line, returned=line.returned + units, in_open_returns=line.in_open_returns - units)


# -- inspecting ----------------------------------------------------------------------------------------------------


def inspect(
    order: Order,
    back: Return,
    findings: Sequence[Finding],
    level_of: Mapping[UUID, UUID],
    ledger: Ledger,
    act: Act,
) -> tuple[Order, Return, Event, int]:
    """Record what was found and move each unit where it belongs; the buyer is credited what the units cost.

    Gives the credit, in minor units, as the last part.
    """
    left = {line.id: line.received_quantity - line.inspected_quantity for line in back.lines}
    by_id = {line.id: line for line in back.lines}
    prices = {line.id: line.unit_price_minor for line in order.lines}
    credit = 0
    for index, found in enumerate(findings):
        place = ("lines", str(index))
        if found.line_id not in left:
            raise NotFound("ReturnLine", ids.encode("ReturnLine", found.line_id), field=(*place, "returnLineId"))
        if not 0 < found.quantity <= left[found.line_id]:
            raise QuantityExceeds(left[found.line_id], field=(*place, "quantity"))
        if found.disposition is Disposition.MISSING:
            raise InvalidInput("what arrived is not missing", field=(*place, "disposition"))
        left[found.line_id] -= found.quantity
        line = by_id[found.line_id]
        credit += prices[line.order_line_id] * found.quantity
    _redispose(order, by_id, findings, level_of, ledger)

    back = replace(back, lines=tuple(_inspected(line, findings, act) for line in back.lines))
    order = with_return(order, back)
    if credit:
        order = with_credit(order, AdjustmentKind.RETURN, credit, f"return {back.number}", act)
    told = f"Units of return {back.number} were inspected."
    return order, back, about(order, EventType.RETURN_INSPECTED, told, subject=back), credit


def _redispose(
    order: Order,
    by_id: Mapping[UUID, ReturnLine],
    findings: Sequence[Finding],
    level_of: Mapping[UUID, UUID],
    ledger: Ledger,
) -> None:
    """One entry for each line and bucket, however many findings lead there."""
    units: dict[tuple[UUID, Bucket | None], int] = {}
    for found in findings:
        place = found.line_id, BUCKET_OF[found.disposition]
        units[place] = units.get(place, 0) + found.quantity
    kind, source = MovementKind.REDISPOSE, Bucket.QUALITY_CONTROL
    for (line_id, target), quantity in units.items():
        if target is not source:
            for part, each in kits.stocked(order, by_id[line_id].order_line_id):
                ledger.move(level_of[part.id], kind, quantity * each, source, target, line_id=line_id, order=order)


def _inspected(line: ReturnLine, findings: Sequence[Finding], act: Act) -> ReturnLine:
    mine = [found for found in findings if found.line_id == line.id]
    if not mine:
        return line
    noted = tuple(
        ReturnInspection(new_id(), line.id, found.quantity, found.condition.value, found.disposition.value, act.at)
        for found in mine
    )
    inspected = line.inspected_quantity + sum(found.quantity for found in mine)
    return replace(line, inspected_quantity=inspected, inspections=noted)


def close(order: Order, back: Return, act: Act) -> tuple[Order, Event]:
    """Settle it: announced units that never came are missing. Refused while units wait to be inspected."""
    waiting = sum(line.received_quantity - line.inspected_quantity for line in back.lines)
    if waiting:
        raise InvalidInput(f"{waiting} units are not inspected yet", field=("id",))
    order = _no_longer_awaited(order, back)
    back = replace(stepped(back, ReturnAction.CLOSE), closed_at=act.at)
    order = with_return(order, back)
    return order, about(order, EventType.RETURN_CLOSED, f"Return {back.number} is settled.", subject=back)
