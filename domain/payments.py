"""Payments: entries that only ever grow in number, what they sum to, and what is asked of a provider."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.acts import Act
from domain.events import Event, EventType, about
from domain.ids import new_id
from domain.model import Order, Payment, replace
from domain.money import Money
from domain.orders import PaymentStatus
from domain.refusals import AmountExceeds, InvalidInput, RefundExceedsBalance
from domain.words import Word

AUTHORIZATION_HOLDS = timedelta(days=7)
"""Where the provider says nothing else: so long hold Visa, Mastercard, American Express and Discover what a buyer allowed
online (docs.stripe.com/payments/capture-later)."""


class PaymentKind(Word):
    """Which fact about money an entry states."""

    AUTHORIZATION = "AUTHORIZATION", "The buyer's bank promised an amount; nothing moved yet."
    CAPTURE = "CAPTURE", "Money was taken, from an authorization or outright."
    VOID = "VOID", "An authorization, or what was left of it, was released."
    REFUND = "REFUND", "Captured money went back to the buyer."
    CHARGEBACK = "CHARGEBACK", "The buyer's bank took money back against our will."


class EntryStatus(Word):
    """How far an entry got. Only what succeeded counts for anything."""

    REQUESTED = "REQUESTED", "Intended and on record; the provider's answer is outstanding."
    SUCCEEDED = "SUCCEEDED", "The provider did it."
    FAILED = "FAILED", "The provider refused; kept for the record."


class RefundDestination(Word):
    """Where refunded money goes."""

    ORIGINAL_PAYMENT = "ORIGINAL_PAYMENT", "Back the way it came, the latest capture first."
    MANUAL = "MANUAL", "Paid out elsewhere, such as cash from the till; only put on record here."


class RefundReason(Word):
    """Why money goes back."""

    CANCELLATION = "CANCELLATION", "Units were called off."
    RETURN = "RETURN", "Goods came back."
    GOODWILL = "GOODWILL", "To make up for something."
    OVERPAYMENT = "OVERPAYMENT", "More was kept than is owed."


class OutcomeStatus(Word):
    """What a provider answered."""

    APPROVED = "APPROVED", "Done as asked."
    DECLINED = "DECLINED", "Refused; the reason says why."
    CHALLENGE = "CHALLENGE", "The buyer has to prove themselves first, at the redirect or with the client secret."


@dataclass(frozen=True, slots=True)
class PaymentEntry:
    """One fact about an order's money, in the order's currency.

    `request_id` names the requested entry that this one settles (that entry's id is the provider's idempotency key);
    `parent_id` the authorization of a capture or void, the capture of a refund or chargeback. A capture without a
    parent was taken outright.
    """

    id: UUID
    kind: PaymentKind
    status: EntryStatus
    amount_minor: int
    provider: str
    request_id: UUID | None = None
    parent_id: UUID | None = None
    reference: str | None = None
    reason: str | None = None
    last4: str | None = None
    occurred_at: datetime | None = None


Entry = PaymentEntry | Payment
"""An entry by itself, or as the row it is stored in."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What an order's succeeded entries sum to by kind, in minor units."""

    authorized: int
    voided: int
    captured: int
    refunded: int
    charged_back: int


def totals(entries: Iterable[Entry]) -> Totals:
    """Only what succeeded counts: a failed refund gave nothing back, a requested capture took nothing yet."""
    sums: Counter[PaymentKind] = Counter()
    for entry in succeeded(entries):
        sums[PaymentKind(entry.kind)] += entry.amount_minor
    return Totals(
        authorized=sums[PaymentKind.AUTHORIZATION],
        voided=sums[PaymentKind.VOID],
        captured=sums[PaymentKind.CAPTURE],
        refunded=sums[PaymentKind.REFUND],
        charged_back=sums[PaymentKind.CHARGEBACK],
    )


def succeeded(entries: Iterable[Entry]) -> list[Entry]:
    """The entries that count."""
    return [entry for entry in entries if entry.status == EntryStatus.SUCCEEDED]


def balance(charges_minor: int, credits_minor: int, entries: Iterable[Entry]) -> int:
    """What the customer still owes, in minor units; negative when it is we who owe."""
    return _balance(charges_minor, credits_minor, totals(entries))


def open_authorizations(entries: Iterable[Entry]) -> dict[UUID, int]:
    """What is left of each authorization after its captures and voids, where anything is left."""
    counted = succeeded(entries)
    used: Counter[UUID | None] = Counter()
    for entry in counted:
        if entry.kind in (PaymentKind.CAPTURE, PaymentKind.VOID):
            used[entry.parent_id] += entry.amount_minor
    authorized = (entry for entry in counted if entry.kind == PaymentKind.AUTHORIZATION)
    left = {entry.id: entry.amount_minor - used[entry.id] for entry in authorized}
    return {authorization_id: amount for authorization_id, amount in left.items() if amount > 0}


def payment_status(charges_minor: int, credits_minor: int, entries: Sequence[Entry]) -> PaymentStatus:
    """The first status that applies, in the order `PaymentStatus` lists them."""
    sums = totals(entries)
    if sums.charged_back:
        return PaymentStatus.CHARGED_BACK
    if sums.captured:
        return _captured_status(_balance(charges_minor, credits_minor, sums), sums)
    if open_authorizations(entries):
        return PaymentStatus.AUTHORIZED
    return PaymentStatus.VOIDED if sums.authorized else PaymentStatus.NONE


def _captured_status(owed: int, sums: Totals) -> PaymentStatus:
    """The status once money has come in. A refund that is due but not made is OVERPAID, not PAID."""
    if owed < 0:
        return PaymentStatus.OVERPAID
    if sums.refunded:
        return PaymentStatus.REFUNDED if sums.refunded >= sums.captured else PaymentStatus.PARTIALLY_REFUNDED
    return PaymentStatus.PARTIALLY_PAID if owed else PaymentStatus.PAID


def _balance(charges_minor: int, credits_minor: int, sums: Totals) -> int:
    return (charges_minor - credits_minor) - (sums.captured - sums.refunded)


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """One call to a provider. `token` is the buyer's, from the provider's own form; `reference` the earlier deed."""

    idempotency_key: str
    order_number: str
    amount: Money
    token: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentOutcome:
    """What the provider answered. A challenge carries where, or with what, the buyer goes on."""

    status: OutcomeStatus
    reference: str | None = None
    reason: str | None = None
    last4: str | None = None
    redirect_url: str | None = None
    client_secret: str | None = None
    expires_at: datetime | None = None
    """Until when an authorization holds, where the provider says so."""


class PaymentProvider(Protocol):
    """A payment provider, outside our walls.

    The same `idempotency_key` must be answered with the same outcome, and act once. Whoever does not hear back in
    time raises TimeoutError: the deed may have happened, so it is asked again, never assumed. Buyers' tokens are not
    kept: an authorization that is asked for again without one wants to know what came of it, and is declined only if it is
    certain that nothing did.
    """

    async def authorize(self, request: PaymentRequest) -> PaymentOutcome:
        """Have the buyer's bank promise the amount."""
        ...

    async def capture(self, request: PaymentRequest) -> PaymentOutcome:
        """Take money from the authorization that `reference` names."""
        ...

    async def void(self, request: PaymentRequest) -> PaymentOutcome:
        """Release what is left of the authorization that `reference` names."""
        ...

    async def refund(self, request: PaymentRequest) -> PaymentOutcome:
        """Give money back from the capture that `reference` names."""
        ...


# -- an order's books ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tender:
    """A payment as it is offered: to be made by a provider, or (`happened`) made elsewhere and only recorded."""

    kind: PaymentKind
    provider: str
    amount_minor: int | None = None
    """None: all that is owed."""
    happened: bool = False
    token: str | None = None
    method: str | None = None
    reference: str | None = None
    occurred_at: datetime | None = None


def books(order: Order) -> tuple[int, int]:
    """(charges, credits) of an order, both positive, in minor units."""
    charges = sum(entry.amount_minor for entry in order.adjustments if entry.amount_minor > 0)
    credits = -sum(entry.amount_minor for entry in order.adjustments if entry.amount_minor < 0)
    return charges, credits


def owed(order: Order) -> int:
    """What the buyer still owes, in minor units; negative when it is we who owe."""
    return balance(*books(order), order.payments)


def recorded(order: Order, tender: Tender, act: Act) -> Payment:
    """An entry for what happened elsewhere."""
    return Payment(
        id=new_id(),
        order_id=order.id,
        kind=tender.kind.value,
        status=EntryStatus.SUCCEEDED.value,
        provider=tender.provider,
        amount_minor=_amount(order, tender),
        currency=order.currency,
        occurred_at=tender.occurred_at or act.at,
        recorded_at=act.recorded_at,
        method=tender.method,
        reference=tender.reference,
        expires_at=_holds_until(tender.kind, tender.occurred_at or act.at),
    )


def _holds_until(kind: str, at: datetime) -> datetime | None:
    """Until when an authorization usually holds."""
    return at + AUTHORIZATION_HOLDS if kind == PaymentKind.AUTHORIZATION else None


def requested(order: Order, tender: Tender, act: Act) -> Payment:
    """An entry that says what a provider is about to be asked; its id is the idempotency key of the call."""
    asked = recorded(order, tender, act)
    return replace(asked, status=EntryStatus.REQUESTED.value, reference=None, expires_at=None)


def _amount(order: Order, tender: Tender) -> int:
    amount = tender.amount_minor if tender.amount_minor is not None else owed(order)
    if amount <= 0:
        raise InvalidInput("a payment is more than nothing", field=("amount",))
    return amount


EVENT_OF = {
    PaymentKind.AUTHORIZATION: (EventType.PAYMENT_AUTHORIZED, "authorized"),
    PaymentKind.CAPTURE: (EventType.PAYMENT_CAPTURED, "captured"),
    PaymentKind.VOID: (EventType.PAYMENT_VOIDED, "voided"),
    PaymentKind.REFUND: (EventType.PAYMENT_REFUNDED, "refunded"),
}


def with_payments(order: Order, entries: Sequence[Payment]) -> tuple[Order, list[Event]]:
    """The order with more entries in its books and its payment status derived anew, and what to tell of them."""
    order = with_status(replace(order, payments=(*order.payments, *entries)))
    return order, [_told(order, entry) for entry in entries]


def with_status(order: Order) -> Order:
    """The order with its payment status derived from its books."""
    return replace(order, payment_status=payment_status(*books(order), order.payments).value)


def _told(order: Order, entry: Payment) -> Event:
    type_, done = EVENT_OF[PaymentKind(entry.kind)]
    amount = Money(entry.amount_minor, entry.currency)
    if entry.status == EntryStatus.FAILED:
        type_, done = EventType.PAYMENT_DECLINED, f"was declined: {entry.failure}"
    elif entry.status == EntryStatus.REQUESTED:
        type_, done = EventType.PAYMENT_REQUESTED, f"is to be {done}"
    data = {"paymentId": str(entry.id), "kind": entry.kind, "amountMinor": entry.amount_minor}
    return about(order, type_, f"{amount} {done}.", data=data)


def settled(request: Payment, outcome: PaymentOutcome, act: Act) -> Payment:
    """The entry that settles a requested one."""
    approved = outcome.status == OutcomeStatus.APPROVED
    return replace(
        request,
        id=new_id(),
        request_id=request.id,
        status=(EntryStatus.SUCCEEDED if approved else EntryStatus.FAILED).value,
        reference=outcome.reference,
        last4=outcome.last4,
        failure=None if approved else outcome.reason,
        occurred_at=act.at,
        recorded_at=act.recorded_at,
        expires_at=(outcome.expires_at or _holds_until(request.kind, act.at)) if approved else None,
    )


def is_settled(order: Order, request_id: UUID) -> bool:
    """Whether a requested entry has its answer."""
    return any(entry.request_id == request_id for entry in order.payments)


def captures(order: Order, amount_minor: int | None, act: Act) -> list[Payment]:
    """Requests to take `amount_minor` (or all that is left) out of the open authorizations, the oldest first."""
    left = _unclaimed(order, open_authorizations(order.payments))
    wanted = sum(left.values()) if amount_minor is None else amount_minor
    if not 0 < wanted <= sum(left.values()):
        raise AmountExceeds(Money(sum(left.values()), order.currency), field=("amount",))
    return _out_of(order, left, wanted, PaymentKind.CAPTURE, act)


def voids(order: Order, act: Act) -> list[Payment]:
    """Requests to release what is left of every open authorization."""
    left = _unclaimed(order, open_authorizations(order.payments))
    return _out_of(order, left, sum(left.values()), PaymentKind.VOID, act)


def refunds(order: Order, amount_minor: int, reason: RefundReason, act: Act, **more: object) -> list[Payment]:
    """Requests to give `amount_minor` back, the latest capture first."""
    left = _unclaimed(order, refundable(order))
    if not 0 < amount_minor <= sum(left.values()):
        raise RefundExceedsBalance(Money(sum(left.values()), order.currency), field=("amount",))
    latest_first = dict(reversed(left.items()))
    asked = _out_of(order, latest_first, amount_minor, PaymentKind.REFUND, act)
    return [replace(entry, reason=reason.value, **more) for entry in asked]  # type: ignore[arg-type]


def refundable(order: Order) -> dict[UUID, int]:
    """What is left of each capture after its refunds, where anything is left."""
    counted = succeeded(order.payments)
    left = {entry.id: entry.amount_minor for entry in counted if entry.kind == PaymentKind.CAPTURE}
    for entry in counted:
        if entry.kind == PaymentKind.REFUND and entry.parent_id in left:
            left[entry.parent_id] -= entry.amount_minor
    return {id_: amount for id_, amount in left.items() if amount > 0}


def refundable_now(order: Order) -> int:
    """What can be given back at this moment: refunds that wait for their answer are not to be had twice."""
    return sum(_unclaimed(order, refundable(order)).values())


def _unclaimed(order: Order, left: dict[UUID, int]) -> dict[UUID, int]:
    """The same less what requests that have no answer yet may still take."""
    answered = {entry.request_id for entry in order.payments}
    for entry in order.payments:
        if entry.status == EntryStatus.REQUESTED and entry.id not in answered and entry.parent_id in left:
            left[entry.parent_id] -= entry.amount_minor
    return {id_: amount for id_, amount in left.items() if amount > 0}


def _out_of(order: Order, left: dict[UUID, int], amount: int, kind: PaymentKind, act: Act) -> list[Payment]:
    by_id = {entry.id: entry for entry in order.payments}
    asked = []
    for id_, available in left.items():
        taken = min(available, amount)
        if taken <= 0:
            break
        amount -= taken
        tender = Tender(kind, by_id[id_].provider, taken)
        asked.append(replace(requested(order, tender, act), parent_id=id_))
    return asked
