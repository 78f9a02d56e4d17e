"""Everything that can be followed."""

from typing import Annotated

import strawberry

from domain.store import tables as t
from domain.store import visibility
from resolvers.streams import Stream, follows
from schema.event_lists import EVENT_ORDER
from schema.events import Event

Id = Annotated[strawberry.ID, strawberry.argument(description="The object's id.")]
Resume = Annotated[
    str | None,
    strawberry.argument(
        description="The cursor of the last event you have: every one after it comes first. Without it, only new ones."
    ),
]


@strawberry.type(description="Everything that can be followed: each event once, in order, as soon as it is committed.")
class Subscription:
    """The root of subscriptions."""

    @follows(
        Stream("order_id", "orderId", "Order", t.orders, visibility.orders, EVENT_ORDER),
        "What happens to an order. What you read of the order is as of that event or later, never earlier.",
    )
    def order_events(self, order_id: Id, after: Resume = None) -> Event:
        """One order's events."""
        raise NotImplementedError
