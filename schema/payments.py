"""Payments and refunds: every fact about an order's money, in the order it became true."""

from datetime import datetime
from typing import Annotated

import strawberry
from sqlalchemy import ColumnElement, Text, func, select

from domain.payments import EntryStatus, PaymentKind, RefundDestination, RefundReason
from domain.store import tables as t
from domain.store import visibility
from resolvers.reading.mapping import Row, column, one
from schema.common import Money, Node, entity, id_of, money, words

words(PaymentKind)
words(EntryStatus, name="PaymentEntryStatus")
words(RefundDestination)
words(RefundReason)


@strawberry.type(
    description="One fact about an order's money. Entries are only ever added; what failed counts for nothing."
)
@entity(t.payments, visibility.payments)
class Payment(Node):
    """A payment entry."""

    id: strawberry.ID = id_of("Payment")
    kind: PaymentKind = column("kind", "Which fact it states.")
    status: EntryStatus = column("status", "How far it got.")
    provider: str = column("provider", "Who moves the money: the provider's short name.")
    amount: Money = money("amount_minor", "How much.")
    method: str | None = column("method", "How the buyer paid, such as credit_card.")
    reference: str | None = column("reference", "The provider's own reference.")
    last4: str | None = column("last4", "The last four digits of the card, if it was one.")
    failure: str | None = column("failure", "Why it failed.")
    occurred_at: datetime = column("occurred_at", "When it became true.")
    expires_at: datetime | None = column(
        "expires_at", "Until when an authorization holds: as the provider said, or 7 days; null for anything else."
    )
    request: Annotated["Payment", strawberry.lazy("schema.payments")] | None = one(
        lambda entry, other: other.c.id == entry.c.request_id, "The requested entry that this one settles."
    )
    parent: Annotated["Payment", strawberry.lazy("schema.payments")] | None = one(
        lambda entry, other: other.c.id == entry.c.parent_id,
        "The authorization of a capture or void; the capture of a refund.",
    )


def _settled(refund: Row) -> ColumnElement[str]:
    """A requested refund is as far as the entry that settles it."""
    settling = t.payments.alias()
    status = select(settling.c.status).where(settling.c.request_id == refund.c.id)
    return func.coalesce(status.correlate_except(settling).scalar_subquery(), refund.c.status, type_=Text)


@strawberry.type(description="Money going back to the buyer.")
@entity(t.payments, visibility.payments)
class Refund(Node):
    """A refund: the entry that asked for it, as far as it got."""

    id: strawberry.ID = id_of("Refund")
    status: EntryStatus = column(_settled, "How far it got.")
    amount: Money = money("amount_minor", "How much.")
    destination: RefundDestination = column(
        lambda refund: func.coalesce(refund.c.destination, "ORIGINAL_PAYMENT"), "Where the money goes."
    )
    reason: str | None = column("reason", "Why.")
    note: str | None = column("note", "What whoever gave it said.")
    occurred_at: datetime = column("occurred_at", "When it was asked for.")


@strawberry.type(description="What the buyer has to do before the payment can go on.")
class PaymentAction:
    """A provider's challenge."""

    kind: str = strawberry.field(description="REDIRECT: send the buyer to the address, or confirm with the secret.")
    redirect_url: str | None = strawberry.field(description="Where to send the buyer.")
    client_secret: str | None = strawberry.field(description="What the provider's own script needs to go on.")
