"""Returns: request, create at the counter, approve, decline, receive, inspect, close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain import kits, returning
from domain.model import Decided, Order, Return, StockLevel
from domain.ordering import decided
from domain.payments import RefundDestination, RefundReason, owed, refundable_now, refunds
from domain.refusals import InvalidInput
from domain.returning import Announced, Finding
from domain.returns import ReturnMethod
from domain.stock import Ledger
from domain.store import returns as stored
from domain.viewer import Scope
from resolvers.fulfillment import LIMIT, key_of
from resolvers.payments import asking, settle
from resolvers.setup import location_of
from resolvers.writing import Outcome, Work, verb

if TYPE_CHECKING:
    from schema.inputs.returns import (
        ReturnApproveInput,
        ReturnCloseInput,
        ReturnCreateInput,
        ReturnDeclineInput,
        ReturnInspectInput,
        ReturnReceiveInput,
        ReturnRequestInput,
    )


@verb("returnRequest", Scope.RETURNS_REQUEST)
async def request(work: Work, input: ReturnRequestInput) -> Outcome:
    """A customer asks to send goods back."""
    order = await _order_of(work, input.lines)
    after, back, told = await _requested(work, order, input)
    work.store(order, decided(after, work.act, [told]))
    return Outcome({"return": back.id})


@verb("returnCreate", Scope.RETURNS_WRITE, finish=settle)
async def create(work: Work, input: ReturnCreateInput) -> Outcome:
    """Staff take goods back, or allow it: at the counter received, inspected and refunded in one call."""
    order = await _order_of(work, input.lines)
    after, back, asked = await _requested(work, order, input)
    after, back, allowed = returning.approve(after, back, work.act)
    if not input.receive_now:
        work.store(order, decided(after, work.act, [asked, allowed]))
        return Outcome({"return": back.id})
    return await _received_now(work, input, order, (after, back), [asked, allowed])


async def _received_now(
    work: Work, input: ReturnCreateInput, order: Order, begun: tuple[Order, Return], told: list[Any]
) -> Outcome:
    after, back = begun
    if input.location_id is None:
        raise InvalidInput("say where the goods are received", field=("locationId",))
    location_id = await location_of(work, input.location_id)
    levels, level_of = await _levels(work, after, back, location_id)
    ledger = Ledger(work.act, "Return", back.id, levels.values())
    arrived = [(line.id, line.quantity) for line in back.lines]
    after, back, came = returning.receive(after, back, arrived, location_id, level_of, ledger, work.act)
    findings = [
        _finding(line.id, given, index) for index, (line, given) in enumerate(zip(back.lines, input.lines, strict=True))
    ]
    after, back, found, credit = returning.inspect(after, back, findings, level_of, ledger, work.act)
    after, closed = returning.close(after, back, work.act)
    done = decided(after, work.act, [*told, came, found, closed], ledger)
    if input.refund is None:
        work.store(order, done, levels)
        return Outcome({"return": back.id})
    return _refunded(work, order, done, back, credit, input.refund.destination, levels)


def _finding(line_id: UUID, given: Any, index: int) -> Finding:
    if given.condition is None or given.disposition is None:
        raise InvalidInput("say in which state the units are and what becomes of them", field=("lines", str(index)))
    return Finding(line_id, given.quantity, given.condition, given.disposition)


async def _order_of(work: Work, lines: list[Any]) -> Order:
    if not 1 <= len(lines) <= LIMIT:
        raise InvalidInput(f"1 to {LIMIT} lines at once", field=("lines",))
    by = "OrderLine" if not work.viewer.may(Scope.RETURNS_WRITE) else "OrderLineAtCounter"
    return await work.order(by, lines[0].order_line_id, field=("lines", "0", "orderLineId"))


async def _requested(
    work: Work, order: Order, input: ReturnRequestInput | ReturnCreateInput
) -> tuple[Order, Return, Any]:
    lines: list[Any] = list(input.lines)
    announced = [
        Announced(
            key_of("OrderLine", line.order_line_id, ("lines", str(index), "orderLineId")),
            line.quantity,
            line.reason,
            line.comment,
        )
        for index, line in enumerate(lines)
    ]
    number, window_days = await stored.number_and_window(work.connection, order.channel_id)
    return returning.request(order, announced, ReturnMethod(input.method), number, window_days, work.act)


@verb("returnApprove", Scope.RETURNS_WRITE)
async def approve(work: Work, input: ReturnApproveInput) -> Outcome:
    """Allow goods to come back."""
    order, back = await _return(work, input.id)
    after, back, told = returning.approve(order, back, work.act)
    work.store(order, decided(after, work.act, [told]))
    return Outcome({"return": back.id})


@verb("returnDecline", Scope.RETURNS_WRITE)
async def decline(work: Work, input: ReturnDeclineInput) -> Outcome:
    """Refuse it, and say why."""
    order, back = await _return(work, input.id)
    work.store(order, returning.decline(order, back, input.reason, work.act))
    return Outcome({"return": back.id})


@verb("returnReceive", Scope.RETURNS_RECEIVE)
async def receive(work: Work, input: ReturnReceiveInput) -> Outcome:
    """Goods arrived."""
    order, back = await _return(work, input.id)
    location_id = await location_of(work, input.location_id)
    arrived = [
        (key_of("ReturnLine", line.return_line_id, ("lines", str(index), "returnLineId")), line.quantity)
        for index, line in enumerate(_bounded(input.lines))
    ]
    levels, level_of = await _levels(work, order, back, location_id)
    ledger = Ledger(work.act, "ReturnReceipt", work.act.id, levels.values())
    after, back, told = returning.receive(order, back, arrived, location_id, level_of, ledger, work.act)
    work.store(order, decided(after, work.act, [told], ledger), levels)
    return Outcome({"return": back.id})


@verb("returnInspect", Scope.RETURNS_RECEIVE, finish=settle)
async def inspect(work: Work, input: ReturnInspectInput) -> Outcome:
    """Record what was found; money goes back for it."""
    order, back = await _return(work, input.id)
    findings = [
        Finding(
            key_of("ReturnLine", line.return_line_id, ("lines", str(index), "returnLineId")),
            line.quantity,
            line.condition,
            line.disposition,
        )
        for index, line in enumerate(_bounded(input.lines))
    ]
    if back.location_id is None:
        raise InvalidInput("nothing has arrived yet", field=("id",))
    levels, level_of = await _levels(work, order, back, back.location_id)
    ledger = Ledger(work.act, "ReturnInspection", work.act.id, levels.values())
    after, back, told, credit = returning.inspect(order, back, findings, level_of, ledger, work.act)
    done = decided(after, work.act, [told], ledger)
    destination = input.refund.destination if input.refund else RefundDestination.ORIGINAL_PAYMENT
    return _refunded(work, order, done, back, credit, destination, levels)


@verb("returnClose", Scope.RETURNS_RECEIVE)
async def close(work: Work, input: ReturnCloseInput) -> Outcome:
    """Settle it."""
    order, back = await _return(work, input.id)
    after, told = returning.close(order, back, work.act)
    work.store(order, decided(after, work.act, [told]))
    return Outcome({"return": back.id})


# -- shared --------------------------------------------------------------------------------------------------------


def _bounded(lines: list[Any]) -> list[Any]:
    if not 1 <= len(lines) <= LIMIT:
        raise InvalidInput(f"1 to {LIMIT} lines at once", field=("lines",))
    return lines


async def _return(work: Work, id_: str) -> tuple[Order, Return]:
    order = await work.order("Return", id_)
    return order, returning.return_of(order, key_of("Return", id_, ("id",)))


async def _levels(
    work: Work, order: Order, back: Return, location_id: UUID
) -> tuple[dict[UUID, StockLevel], dict[UUID, UUID]]:
    """The levels at a location that returned lines go to, locked: by id, and which one each order line goes to."""
    wanted = {part.id: part.variant_id for line in back.lines for part, _ in kits.stocked(order, line.order_line_id)}
    places = [(variant, location_id) for variant in set(wanted.values())]
    found = await work.levels_at(places)
    level_of = {line_id: found[variant, location_id].id for line_id, variant in wanted.items()}
    return {level.id: level for level in found.values()}, level_of


def _refunded(
    work: Work,
    order: Order,
    done: Decided,
    back: Return,
    credit: int,
    destination: RefundDestination,
    levels: dict[UUID, StockLevel],
) -> Outcome:
    """Give back what the units cost, as far as more was paid than is owed now."""
    assert done.order is not None
    amount = max(0, min(credit, -owed(done.order), refundable_now(done.order)))
    entries = (
        refunds(done.order, amount, RefundReason.RETURN, work.act, destination=destination.value, return_id=back.id)
        if amount
        else []
    )
    done, asks = asking(done, entries)
    work.store(order, done, levels)
    return Outcome({"return": back.id}, asks=asks, order_id=order.id, order=done.order)
