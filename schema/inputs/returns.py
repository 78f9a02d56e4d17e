"""Inputs about returns, and about a guest's way to their order."""

from datetime import datetime

import strawberry

from domain.returns import Condition, Disposition, ReturnMethod, ReturnReason
from schema.inputs import given, key, moment, optional
from schema.inputs.orders import RefundInput


@strawberry.input(description="Units of an order line that are to come back.")
class ReturnRequestLineInput:
    """Units of one line, and why."""

    order_line_id: strawberry.ID = given("The line.")
    quantity: int = given("How many units.")
    reason: ReturnReason = given("Why.")
    comment: str | None = optional("What the customer says.")


@strawberry.input(description="A customer's wish to send goods back.")
class ReturnRequestInput:
    """What is to come back, and how."""

    idempotency_key: str = key()
    method: ReturnMethod = given("How the goods come back.")
    lines: list[ReturnRequestLineInput] = given("1 to 100 lines of one order.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="Units that come back at a counter, or that staff allow to come back.")
class ReturnCreateLineInput:
    """Units of one line, why, and, at the counter, in which state."""

    order_line_id: strawberry.ID = given("The line.")
    quantity: int = given("How many units.")
    reason: ReturnReason = given("Why.")
    comment: str | None = optional("What the customer says.")
    condition: Condition | None = optional("The state they are in; needed with receiveNow.")
    disposition: Disposition | None = optional("What becomes of them; needed with receiveNow.")


@strawberry.input(
    description="A return made by staff: approved at once and, at the counter, received, inspected and refunded."
)
class ReturnCreateInput:
    """One call at the counter."""

    idempotency_key: str = key()
    method: ReturnMethod = given("How the goods come back.")
    location_id: strawberry.ID | None = optional("Where they are received; needed with receiveNow.")
    receive_now: bool = strawberry.field(default=False, description="Receive, inspect and close it in the same breath.")
    lines: list[ReturnCreateLineInput] = given("1 to 100 lines of one order.")
    refund: RefundInput | None = optional("Give the money back with it.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="A return to approve.")
class ReturnApproveInput:
    """Which return."""

    id: strawberry.ID = given("The return.")
    idempotency_key: str = key()
    occurred_at: datetime | None = moment()


@strawberry.input(description="A return to decline.")
class ReturnDeclineInput:
    """Which return, and why."""

    id: strawberry.ID = given("The return.")
    idempotency_key: str = key()
    reason: str = given("Why, in words for the customer.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="Units that arrived.")
class ReturnReceiveLineInput:
    """Units of one line."""

    return_line_id: strawberry.ID = given("The line.")
    quantity: int = given("How many units.")


@strawberry.input(description="Returned goods that arrived. They wait in quality control until they are inspected.")
class ReturnReceiveInput:
    """What arrived where."""

    id: strawberry.ID = given("The return.")
    idempotency_key: str = key()
    location_id: strawberry.ID = given("Where they arrived.")
    lines: list[ReturnReceiveLineInput] = given("1 to 100 lines.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="What was found of a line.")
class ReturnInspectLineInput:
    """Units of one line in one state."""

    return_line_id: strawberry.ID = given("The line.")
    quantity: int = given("How many units.")
    condition: Condition = given("The state they are in.")
    disposition: Disposition = given("What becomes of them.")


@strawberry.input(description="What was found, and the refund that follows from it.")
class ReturnInspectInput:
    """Findings by line; the same line may be named for each state."""

    id: strawberry.ID = given("The return.")
    idempotency_key: str = key()
    lines: list[ReturnInspectLineInput] = given("1 to 100 findings.")
    refund: RefundInput | None = optional("Where the money goes; back the way it came if left out.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="A return to close: announced units that never came are missing.")
class ReturnCloseInput:
    """Which return."""

    id: strawberry.ID = given("The return.")
    idempotency_key: str = key()
    occurred_at: datetime | None = moment()


@strawberry.input(description="What a guest knows about their order.")
class GuestOrderAccessInput:
    """The number on the confirmation, and the e-mail address it went to."""

    number: str = given("The order's number.")
    email: str = given("The e-mail address it was placed with.")
