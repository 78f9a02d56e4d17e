"""Inputs about customers."""

from datetime import datetime

import strawberry

from schema.inputs import given, key, moment


@strawberry.input(description="What staff want to know the next time this customer calls.")
class CustomerNoteAddInput:
    """A note."""

    idempotency_key: str = key()
    customer_id: strawberry.ID = given("The customer.")
    body: str = given("What to note: 1 to 2,000 characters.")
    pinned: bool = strawberry.field(default=False, description="Whether it stands before all others.")
    occurred_at: datetime | None = moment()
