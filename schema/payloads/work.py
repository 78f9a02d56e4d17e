"""Payloads about work items."""

import strawberry

from schema.errors import UserError
from schema.payloads.fields import errors, one_made
from schema.work import WorkItem


@strawberry.type(description="The item that was put in.")
class WorkItemCreatePayload:
    """What workItemCreate answers."""

    work_item: WorkItem | None = one_made("workItem", "The item; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The item that was taken on.")
class WorkItemClaimPayload:
    """What workItemClaim answers."""

    work_item: WorkItem | None = one_made(
        "workItem", "The item; null when it was refused, and when there is nothing to do, which is no error."
    )
    lease: str | None = strawberry.field(
        description="The lease that this claim was given: sent along, it tells you from others who share your token."
    )
    user_errors: list[UserError] = errors()


@strawberry.type(description="The item as it is now.")
class WorkItemExtendPayload:
    """What workItemExtend answers."""

    work_item: WorkItem | None = one_made("workItem", "The item; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The item as it is now.")
class WorkItemCompletePayload:
    """What workItemComplete answers."""

    work_item: WorkItem | None = one_made("workItem", "The item; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The item as it is now.")
class WorkItemFailPayload:
    """What workItemFail answers."""

    work_item: WorkItem | None = one_made("workItem", "The item; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The item as it is now.")
class WorkItemReassignPayload:
    """What workItemReassign answers."""

    work_item: WorkItem | None = one_made("workItem", "The item; null when it was refused.")
    user_errors: list[UserError] = errors()


@strawberry.type(description="The item as it is now.")
class WorkItemRetryPayload:
    """What workItemRetry answers."""

    work_item: WorkItem | None = one_made("workItem", "The item; null when it was refused.")
    user_errors: list[UserError] = errors()
