"""Payloads about customers."""

import strawberry

from schema.customers import CustomerNote
from schema.errors import UserError
from schema.payloads.fields import errors, one_made


@strawberry.type(description="The note that was added.")
class CustomerNoteAddPayload:
    """What customerNoteAdd answers."""

    note: CustomerNote | None = one_made("note", "The note; null when it was refused.")
    user_errors: list[UserError] = errors()
