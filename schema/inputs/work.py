"""Inputs about work items."""

from datetime import datetime
from typing import Any

import strawberry

from domain.work import USUAL_ATTEMPTS, USUAL_LEASE_SECONDS
from schema.common import JSON
from schema.inputs import given, key, optional


def _lease() -> Any:
    return optional(
        "The lease that the claim was given: where several share a token, it tells who holds the item from who lost it."
    )


def _seconds() -> Any:
    return strawberry.field(
        default=USUAL_LEASE_SECONDS, description="How long from now it is yours: 1 to 86,400 seconds."
    )


@strawberry.input(description="Work that somebody, or some system, has to do.")
class WorkItemCreateInput:
    """What is to be done, by whom, and until when."""

    idempotency_key: str = key()
    kind: str = given("What sort of work it is, in capitals, such as COUNT_SHELF; at most 50 characters.")
    queue: str | None = optional(
        "Where it waits, such as call-center or call-center:refunds. location:CODE is that location's queue, and what is "
        "meant where only a location is given."
    )
    location_id: strawberry.ID | None = optional("The location whose staff see it.")
    priority: int | None = optional("The higher, the sooner; 0 is usual; -1,000 to 1,000.")
    due_at: datetime | None = optional("When it should be done.")
    required_skills: list[str] | None = optional("What whoever does it must be able to do; at most 20.")
    assigned_to: str | None = optional("The only one who may claim it, as their token names its subject.")
    subject_id: strawberry.ID | None = optional(
        "What it is about: an order, fulfillment order, shipment, return, customer, stock level, variant or location."
    )
    max_attempts: int = strawberry.field(
        default=USUAL_ATTEMPTS, description="After how many attempts a failure is the last: 1 to 100."
    )
    payload: JSON | None = optional("What whoever does it needs to know; at most 20,000 bytes.")
    note: str | None = optional("A sentence for people.")


@strawberry.input(description="What somebody looks for to do.")
class WorkItemClaimInput:
    """A queue, or one item of it."""

    idempotency_key: str = key()
    queue: str | None = optional("The queue; needed where no item is named.")
    id: strawberry.ID | None = optional("This item and no other; refused where it is not ready.")
    kind: str | None = optional("Only work of this kind.")
    skills: list[str] | None = optional("What you can do: items that need anything else are left; at most 20.")
    lease_seconds: int = _seconds()


@strawberry.input(description="An item that takes longer.")
class WorkItemExtendInput:
    """Which item, and how long."""

    id: strawberry.ID = given("The item.")
    idempotency_key: str = key()
    lease_seconds: int = _seconds()
    lease: str | None = _lease()


@strawberry.input(description="An item that is done.")
class WorkItemCompleteInput:
    """Which item, and what came of it."""

    id: strawberry.ID = given("The item.")
    idempotency_key: str = key()
    result: JSON | None = optional("What came of it; at most 20,000 bytes.")
    lease: str | None = _lease()


@strawberry.input(description="An item that did not work out.")
class WorkItemFailInput:
    """Which item, and why."""

    id: strawberry.ID = given("The item.")
    idempotency_key: str = key()
    reason: str = given("Why, for whoever tries next.")
    retry_seconds: int | None = optional(
        "When it comes back, at most a week from now; if left out after a minute, and twice as long each time, up to an hour."
    )
    lease: str | None = _lease()


@strawberry.input(description="An item that others are to do, or at another time. What is left out stays.")
class WorkItemReassignInput:
    """Which item, and what is to be different."""

    id: strawberry.ID = given("The item.")
    idempotency_key: str = key()
    queue: str | None = optional("Where it waits, at the location that is given beside it.")
    location_id: strawberry.ID | None = optional("The location whose staff see it; without a queue, its own.")
    priority: int | None = optional("The higher, the sooner; -1,000 to 1,000.")
    due_at: datetime | None = optional("When it should be done.")
    required_skills: list[str] | None = optional("What whoever does it must be able to do; at most 20.")
    assigned_to: str | None = optional("The only one who may claim it; a blank text: everybody.")


@strawberry.input(description="A dead item to attempt anew.")
class WorkItemRetryInput:
    """Which item."""

    id: strawberry.ID = given("The item.")
    idempotency_key: str = key()
