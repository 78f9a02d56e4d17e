"""Payloads about exceptions."""

import strawberry

from schema.errors import UserError
from schema.exceptions import Trouble
from schema.payloads.fields import errors, one_made


@strawberry.type(description="The exception as it is now.")
class ExceptionAcknowledgePayload:
    """What exceptionAcknowledge answers."""

    exception: Trouble | None = one_made("exception", "The exception; null when it was refused.")
    user_errors: list[UserError] = errors()
