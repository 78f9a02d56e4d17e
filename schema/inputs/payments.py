"""Inputs about payments and refunds."""

from datetime import datetime

import strawberry

from domain.payments import PaymentKind, RefundDestination, RefundReason
from schema.common import MoneyInput
from schema.inputs import given, key, moment, optional


@strawberry.input(
    description="How the buyer pays: a token that the provider's own form gave. Card data never comes here."
)
class PaymentMethodInput:
    """A provider and its token."""

    provider: str = strawberry.field(description="The provider's short name.")
    token: str = strawberry.field(description="The provider's token.")


@strawberry.input(
    description="A payment that happened elsewhere, to be put on record. Needs the scope payments:record."
)
class PaymentRecordInput:
    """An entry of the provider `manual`."""

    kind: PaymentKind = strawberry.field(description="AUTHORIZATION or CAPTURE.")
    amount: MoneyInput = strawberry.field(description="How much.")
    method: str | None = strawberry.field(default=None, description="How the buyer paid, such as credit_card.")
    reference: str | None = strawberry.field(default=None, description="The other system's reference.")
    occurred_at: datetime | None = strawberry.field(default=None, description="When; now if left out.")


@strawberry.input(description="An amount to have authorized, or that was authorized elsewhere.")
class PaymentAuthorizeInput:
    """By whom and how much."""

    order_id: strawberry.ID = given("The order.")
    idempotency_key: str = key()
    payment_method: PaymentMethodInput | None = optional(
        "How the buyer pays. Without it, what happened elsewhere is recorded."
    )
    amount: MoneyInput | None = optional("How much; all that is owed if left out.")
    method: str | None = optional("How the buyer paid, such as credit_card, where it is recorded.")
    reference: str | None = optional("The other system's reference, where it is recorded.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="An amount to take, or that was taken elsewhere.")
class PaymentCaptureInput:
    """How much of what was authorized."""

    order_id: strawberry.ID = given("The order.")
    idempotency_key: str = key()
    amount: MoneyInput | None = optional("How much; all that is authorized (or owed, where recorded) if left out.")
    recorded: bool = strawberry.field(
        default=False, description="Only record it: it happened elsewhere; needs payments:record."
    )
    method: str | None = optional("How the buyer paid, such as credit_card, where it is recorded.")
    reference: str | None = optional("The other system's reference, where it is recorded.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="Authorizations to release.")
class PaymentVoidInput:
    """Which order's."""

    order_id: strawberry.ID = given("The order.")
    idempotency_key: str = key()
    occurred_at: datetime | None = moment()


@strawberry.input(description="Money to give back.")
class RefundCreateInput:
    """How much, why, and where it goes."""

    order_id: strawberry.ID = given("The order.")
    idempotency_key: str = key()
    amount: MoneyInput = given("How much.")
    reason: RefundReason = given("Why.")
    destination: RefundDestination = given("Where it goes.")
    note: str | None = optional("What whoever gives it says.")
    occurred_at: datetime | None = moment()
