"""Inputs about exceptions."""

from datetime import datetime

import strawberry

from schema.inputs import given, key, moment, optional


@strawberry.input(description="Which exception one looks at.")
class ExceptionAcknowledgeInput:
    """An exception, and what is to be known of it."""

    id: strawberry.ID = given("The exception.")
    idempotency_key: str = key()
    note: str | None = optional("What to note, up to 2,000 characters; what was noted before stays if left out.")
    occurred_at: datetime | None = moment()
