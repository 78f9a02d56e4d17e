"""What mutations take, one file per noun. Every input has an `idempotencyKey`; history has `occurredAt`."""

from typing import Any

import strawberry


def given(description: str) -> Any:
    """A field that must be given."""
    return strawberry.field(description=description)


def optional(description: str) -> Any:
    """A field that may be left out."""
    return strawberry.field(default=None, description=description)


def kept(description: str) -> Any:
    """A field that stays as it is when left out, and is emptied by null."""
    return strawberry.field(default=strawberry.UNSET, description=description)


def key() -> Any:
    """The idempotency key."""
    return given("Chosen by the caller, 1 to 200 characters: the same key and input are done once, however often sent.")


def moment() -> Any:
    """When it happened."""
    return optional("When it happened, for history: needs the scope history:write. Now if left out.")


def version() -> Any:
    """The version that the caller saw."""
    return optional("The order's version that the caller saw: refused as VERSION_CONFLICT if it has changed since.")
