"""Payments: authorize, capture, void, refund; and the two phases of every call to a provider.

A request is put on record in the mutation's transaction; after the commit the provider is asked, with the entry's id
as the idempotency key; a second transaction records the answer. Whoever repeats the mutation asks again: a provider
that did not answer in time has left nothing undecided on our side but the entry itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain import ordering
from domain.events import numbered
from domain.model import Decided, Order, Payment
from domain.money import Money, parse
from domain.orders import AdjustmentKind, OrderStatus
from domain.payments import (
    EntryStatus,
    OutcomeStatus,
    PaymentKind,
    PaymentOutcome,
    PaymentRequest,
    RefundDestination,
    RefundReason,
    Tender,
    captures,
    is_settled,
    open_authorizations,
    owed,
    recorded,
    refunds,
    requested,
    settled,
    voids,
    with_payments,
)
from domain.refusals import (
    AmountExceeds,
    CurrencyMismatch,
    Forbidden,
    InvalidInput,
    InvalidTransition,
    PaymentDeclined,
    PaymentUnresolved,
    RefundExceedsBalance,
)
from domain.store import orders as stored_orders
from domain.viewer import Scope, Viewer
from resolvers.writing import Outcome, Work, World, act_of, verb

if TYPE_CHECKING:
    from schema.inputs.payments import (
        PaymentAuthorizeInput,
        PaymentCaptureInput,
        PaymentVoidInput,
        RefundCreateInput,
    )

PROVIDER_SECONDS = 10.0
RECORDED = "manual"
"""The provider of what happened elsewhere: there is nobody to ask."""


@dataclass(frozen=True, slots=True)
class PaymentAction:
    """What the buyer has to do before the payment can go on."""

    kind: str
    redirect_url: str | None
    client_secret: str | None


def currencies_agree(work: Work, currency: str) -> None:
    """Every amount the caller named is in the order's currency."""
    for given, place in work.currencies:
        if given != currency:
            raise CurrencyMismatch(currency, given, field=place)


def record_of(work: Work, record: Any, place: tuple[str, ...]) -> Tender:
    """A payment that happened elsewhere."""
    if record.kind not in (PaymentKind.AUTHORIZATION, PaymentKind.CAPTURE):
        raise InvalidInput("only authorizations and captures are recorded here", field=(*place, "kind"))
    if record.occurred_at is not None and record.occurred_at > work.act.recorded_at:
        raise InvalidInput("what occurred lies in the past", field=(*place, "occurredAt"))
    amount = parse(record.amount.amount, record.amount.currency)
    work.currencies.append((record.amount.currency, (*place, "amount")))
    return Tender(
        kind=record.kind,
        provider="manual",
        amount_minor=amount.minor,
        happened=True,
        method=record.method,
        reference=record.reference,
        occurred_at=record.occurred_at,
    )


def asking(decided: Decided, entries: list[Payment]) -> tuple[Decided, tuple[UUID, ...]]:
    """A decision with more payment entries. What only has to be recorded succeeds at once; the rest is to be asked."""
    if not entries or decided.order is None:
        return decided, ()
    done = [_at_once(entry) for entry in entries]
    order, told = with_payments(decided.order, done)
    order, counted = numbered(order, tuple(told))
    asks = tuple(entry.id for entry in done if entry.status == EntryStatus.REQUESTED)
    return replace(decided, order=order, events=(*decided.events, *counted)), asks


def _at_once(entry: Payment) -> Payment:
    manual = entry.provider == RECORDED or entry.destination == RefundDestination.MANUAL
    return replace(entry, status=EntryStatus.SUCCEEDED.value) if manual else entry


# -- the second phase ----------------------------------------------------------------------------------------------


async def settle(world: World, viewer: Viewer, input: Any, outcome: Outcome) -> Outcome:
    """Ask the providers and record what they say. What they refuse is an error beside the committed result."""
    method = getattr(input, "payment_method", None)
    token = getattr(method, "token", None) or getattr(input, "token", None)
    waiting = list(outcome.asks)
    while waiting:
        assert outcome.order_id is not None
        outcome, more = await _settle_one(world, viewer, outcome, outcome.order_id, waiting.pop(0), token)
        waiting += more
        outcome = replace(outcome, order=None)
    world.stamp_soon()
    return outcome


async def _settle_one(
    world: World, viewer: Viewer, outcome: Outcome, order_id: UUID, request_id: UUID, token: str | None
) -> tuple[Outcome, tuple[UUID, ...]]:
    """Ask about one request; the outcome, and what is to be asked because of the answer."""
    order = outcome.order
    if order is None:
        async with world.database.writes.acquire() as connection:
            order = await stored_orders.load(connection, order_id)
    request = next(entry for entry in order.payments if entry.id == request_id)
    if is_settled(order, request_id):
        return _with_failure(outcome, order, request_id), ()
    try:
        answer = await asyncio.wait_for(_ask(world, order, request, token), PROVIDER_SECONDS)
    except (TimeoutError, OSError):
        unresolved = PaymentUnresolved("the provider did not answer in time")
        return replace(outcome, errors=(*outcome.errors, unresolved)), ()
    if answer.status is OutcomeStatus.CHALLENGE:
        action = PaymentAction("REDIRECT", answer.redirect_url, answer.client_secret)
        return replace(outcome, values={**outcome.values, "payment_action": action}), ()
    order, more = await _record(world, viewer, order_id, request, answer)
    return _with_failure(outcome, order, request_id), more


def _with_failure(outcome: Outcome, order: Order, request_id: UUID) -> Outcome:
    entry = next(entry for entry in order.payments if entry.request_id == request_id)
    if entry.status != EntryStatus.FAILED:
        return outcome
    return replace(outcome, errors=(*outcome.errors, PaymentDeclined(entry.failure or "no reason was given")))


async def _ask(world: World, order: Order, request: Payment, token: str | None) -> PaymentOutcome:
    """Call the provider; the requested entry's id is the idempotency key."""
    provider = world.providers[request.provider]
    parent = next((entry for entry in order.payments if entry.id == request.parent_id), None)
    asked = PaymentRequest(
        idempotency_key=str(request.id),
        order_number=order.number,
        amount=Money(request.amount_minor, request.currency),
        token=token,
        reference=parent.reference if parent else None,
    )
    calls = {
        PaymentKind.AUTHORIZATION: provider.authorize,
        PaymentKind.CAPTURE: provider.capture,
        PaymentKind.VOID: provider.void,
        PaymentKind.REFUND: provider.refund,
    }
    return await calls[PaymentKind(request.kind)](asked)


async def _record(
    world: World, viewer: Viewer, order_id: UUID, request: Payment, answer: PaymentOutcome
) -> tuple[Order, tuple[UUID, ...]]:
    """The second transaction: what the provider said, once.

    An authorization that comes through after the order was canceled is released again.
    """
    act = act_of(viewer, None, world.now())
    async with world.database.writes.acquire() as connection, connection.transaction():
        work = Work(world, connection, viewer, act)
        await stored_orders.lock_by_id(connection, order_id)
        order = await stored_orders.load(connection, order_id)
        if is_settled(order, request.id):
            return order, ()
        after, told = with_payments(order, [settled(request, answer, act)])
        after, counted = numbered(after, tuple(told))
        too_late = voids(after, act) if after.status == OrderStatus.CANCELED else []
        decided, asks = asking(Decided(after, events=counted), too_late)
        work.store(order, decided)
        await work.flush()
    assert decided.order is not None
    return decided.order, asks


# -- verbs ---------------------------------------------------------------------------------------------------------


@verb("paymentAuthorize", Scope.PAYMENTS_AUTHORIZE, finish=settle)
async def authorize(work: Work, input: PaymentAuthorizeInput) -> Outcome:
    """Have a provider promise what is owed, or put on record that one did."""
    order = await work.order("Order", input.order_id, field=("orderId",))
    _still_owes(order)
    if input.payment_method is not None:
        if input.payment_method.provider not in work.world.providers or input.payment_method.provider == RECORDED:
            raise InvalidInput("no such payment provider takes tokens", field=("paymentMethod", "provider"))
        amount = _not_more_than_owed(order, _amount(order, input.amount))
        tender = Tender(PaymentKind.AUTHORIZATION, input.payment_method.provider, amount)
        entry = requested(order, tender, work.act)
    else:
        entry = _recorded(work, order, PaymentKind.AUTHORIZATION, input)
    return _stored(work, order, [entry])


@verb("paymentCapture", Scope.PAYMENTS_WRITE, finish=settle)
async def capture(work: Work, input: PaymentCaptureInput) -> Outcome:
    """Take money out of what was authorized, or put on record that it was taken elsewhere."""
    order = await work.order("Order", input.order_id, field=("orderId",))
    if order.status == OrderStatus.DRAFT:
        raise InvalidTransition(order.status, "CAPTURE", (), field=("orderId",))
    if input.recorded:
        return _stored(work, order, [_recorded(work, order, PaymentKind.CAPTURE, input)])
    return _stored(work, order, captures(order, _amount(order, input.amount), work.act))


@verb("paymentVoid", Scope.PAYMENTS_WRITE, finish=settle)
async def void(work: Work, input: PaymentVoidInput) -> Outcome:
    """Release what is left of every authorization."""
    order = await work.order("Order", input.order_id, field=("orderId",))
    entries = voids(order, work.act)
    if not entries:
        raise InvalidTransition(order.payment_status, "VOID", (), field=("orderId",))
    return _stored(work, order, entries)


@verb("refundCreate", Scope.PAYMENTS_WRITE, finish=settle)
async def refund(work: Work, input: RefundCreateInput) -> Outcome:
    """Give money back. Goodwill is a credit as well: what the buyer owes shrinks with it."""
    order = await work.order("Order", input.order_id, field=("orderId",))
    amount = _amount(order, input.amount)
    assert amount is not None
    if input.reason is not RefundReason.GOODWILL and amount > -owed(order):
        raise RefundExceedsBalance(Money(max(0, -owed(order)), order.currency), field=("amount",))
    entries = refunds(order, amount, input.reason, work.act, destination=input.destination.value, note=input.note)
    after = order
    if input.reason is RefundReason.GOODWILL:
        after = ordering.with_credit(order, AdjustmentKind.GOODWILL, amount, input.note or "goodwill", work.act)
    decided, asks = asking(Decided(after), entries)
    work.store(order, decided)
    subjects = {"order": order.id, "refund": entries[0].id}
    return Outcome(subjects, asks=asks, order_id=order.id, order=decided.order)


def _stored(work: Work, order: Order, entries: list[Payment]) -> Outcome:
    decided, asks = asking(Decided(order), entries)
    work.store(order, decided)
    subjects = {"order": order.id, "payments": [entry.id for entry in entries]}
    return Outcome(subjects, asks=asks, order_id=order.id, order=decided.order)


def _recorded(work: Work, order: Order, kind: PaymentKind, input: Any) -> Payment:
    if not work.viewer.may(Scope.PAYMENTS_RECORD):
        raise Forbidden(Scope.PAYMENTS_RECORD.value)
    tender = Tender(
        kind,
        RECORDED,
        _amount(order, input.amount),
        happened=True,
        method=input.method,
        reference=input.reference,
    )
    return recorded(order, tender, work.act)


def _amount(order: Order, given: Any) -> int | None:
    """An amount in the order's currency and above zero."""
    if given is None:
        return None
    if given.currency != order.currency:
        raise CurrencyMismatch(order.currency, given.currency, field=("amount", "currency"))
    amount = parse(given.amount, given.currency)
    if amount.minor <= 0:
        raise InvalidInput("an amount is more than nothing", field=("amount",))
    return amount.minor


def _not_more_than_owed(order: Order, amount: int | None) -> int:
    """What may still be promised: what is owed, less what is promised already."""
    left = owed(order) - sum(open_authorizations(order.payments).values())
    if left <= 0 or (amount or 0) > left:
        raise AmountExceeds(Money(max(0, left), order.currency), field=("amount",))
    return left if amount is None else amount


def _still_owes(order: Order) -> None:
    if order.status in ("DRAFT", "CANCELED", "EXPIRED"):
        raise InvalidTransition(order.status, "AUTHORIZE", (), field=("orderId",))
