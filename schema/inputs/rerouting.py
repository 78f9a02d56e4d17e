"""Inputs about deciding anew: declining, moving, splitting, merging and pinning."""

from datetime import datetime

import strawberry

from domain.fulfillment import FulfillmentKind, ShortReason
from schema.inputs import given, key, moment, optional, version


@strawberry.input(description="A line that a location will not ship, and why.")
class RejectLineInput:
    """Units of one line of work."""

    fulfillment_order_line_id: strawberry.ID = given("The line of work.")
    reason: ShortReason = given(
        "Why. NOT_FOUND units leave the books, DAMAGED ones are set aside, others stay as they are."
    )
    quantity: int | None = optional("How many units; all of the line if left out.")
    counted_on_hand: int | None = optional(
        "How many units are really on the shelf, for whomever: corrects the stock record with it."
    )


@strawberry.input(description="Work, or a part of it, that a location will not do.")
class FulfillmentOrderRejectInput:
    """Which lines, or the whole for one reason."""

    id: strawberry.ID = given("The fulfillment order.")
    idempotency_key: str = key()
    lines: list[RejectLineInput] | None = optional("Which lines; the whole work if left out; at most 100.")
    reason: ShortReason | None = optional("Why not the whole work; needed where no lines are given.")
    occurred_at: datetime | None = moment()


@strawberry.input(description="Work that another location is to do.")
class FulfillmentOrderMoveInput:
    """Which work, and where to."""

    id: strawberry.ID = given("The fulfillment order.")
    location_id: strawberry.ID = given(
        "The location that is to do it; it must have all of the goods. Staff of locations name their own; any other needs "
        "the scope routing:write."
    )
    kind: FulfillmentKind | None = optional(
        "How the goods reach the customer from there. To be given for a PICKUP: they chose where to come, so say what was "
        "agreed with them, another store or a delivery. DELIVERY if left out."
    )
    idempotency_key: str = key()
    occurred_at: datetime | None = moment()


@strawberry.input(description="Units that become work of their own.")
class SplitLineInput:
    """Units of one line of work."""

    fulfillment_order_line_id: strawberry.ID = given("The line of work.")
    quantity: int = given("How many of its units.")


@strawberry.input(description="Work of which a part becomes work of its own.")
class FulfillmentOrderSplitInput:
    """Which units of which work."""

    id: strawberry.ID = given("The fulfillment order.")
    lines: list[SplitLineInput] = given("What is split off, not everything; at most 100 lines.")
    idempotency_key: str = key()
    occurred_at: datetime | None = moment()


@strawberry.input(description="Works that become one.")
class FulfillmentOrderMergeInput:
    """Which works."""

    ids: list[strawberry.ID] = given(
        "2 to 100 fulfillment orders of one order and location; the first is the one that stays."
    )
    idempotency_key: str = key()
    occurred_at: datetime | None = moment()


@strawberry.input(description="From where all of an order must ship.")
class OrderPinInput:
    """Which order, and from where."""

    id: strawberry.ID = given("The order.")
    location_id: strawberry.ID | None = optional("The location; left out, the order may ship from anywhere again.")
    idempotency_key: str = key()
    expected_version: int | None = version()
    occurred_at: datetime | None = moment()


@strawberry.input(description="From where an order line must ship.")
class OrderLinePinInput:
    """Which line, and from where."""

    id: strawberry.ID = given("The order line.")
    location_id: strawberry.ID | None = optional("The location; left out, the line may ship from anywhere again.")
    idempotency_key: str = key()
    occurred_at: datetime | None = moment()
