"""Payloads about deciding anew: declining, moving, splitting, merging and pinning."""

import strawberry

from schema.errors import UserError
from schema.fulfillment import FulfillmentOrder
from schema.orders import Order
from schema.payloads.fields import all_made, errors, one_made


@strawberry.type(description="The work as it is now, and who does what was declined.")
class FulfillmentOrderRejectPayload:
    """What fulfillmentOrderReject answers."""

    fulfillment_order: FulfillmentOrder | None = one_made("fulfillmentOrder", "The work; null when it was refused.")
    rerouted: list[FulfillmentOrder] | None = all_made(
        "rerouted", "New work elsewhere for what was declined; null when refused; at most 100."
    )
    user_errors: list[UserError] = errors()


@strawberry.type(description="The work at its new location.")
class FulfillmentOrderMovePayload:
    """What fulfillmentOrderMove answers."""

    fulfillment_order: FulfillmentOrder | None = one_made(
        "fulfillmentOrder", "The work where it is done now, under an id of its own; null when it was refused."
    )
    user_errors: list[UserError] = errors()


@strawberry.type(description="Two works of one.")
class FulfillmentOrderSplitPayload:
    """What fulfillmentOrderSplit answers."""

    fulfillment_order: FulfillmentOrder | None = one_made("fulfillmentOrder", "What stays; null when it was refused.")
    split_off: FulfillmentOrder | None = one_made("splitOff", "What was split off; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="One work of several.")
class FulfillmentOrderMergePayload:
    """What fulfillmentOrderMerge answers."""

    fulfillment_order: FulfillmentOrder | None = one_made("fulfillmentOrder", "The one; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The order as it is now.")
class OrderPinPayload:
    """What orderPin answers."""

    order: Order | None = one_made("order", "The order; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The order as it is now.")
class OrderLinePinPayload:
    """What orderLinePin answers."""

    order: Order | None = one_made("order", "The order; null when it was refused.")
    user_errors: list[UserError] = errors()
