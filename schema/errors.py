"""Refusals as data: every one of the domain's, as a member of the `UserError` interface."""

import dataclasses
from datetime import datetime
from enum import Enum
from typing import Any, get_type_hints

import strawberry

from domain import money, refusals
from schema.common import Money

_CODES: Any = Enum("UserErrorCode", {refusal.code: refusal.code for refusal in refusals.REFUSALS})  # type: ignore[misc]

UserErrorCode: Any = strawberry.enum(
    _CODES,
    description="What a mutation was refused for.",
)
for _value, _refusal in zip(UserErrorCode.__strawberry_definition__.values, refusals.REFUSALS, strict=True):
    _value.description = (_refusal.__doc__ or "").replace("{", "").replace("}", "")


@strawberry.interface(
    description="Why a mutation, or a part of it, was not done. Each member carries what a program needs."
)
class UserError:
    """A refusal."""

    code: UserErrorCode = strawberry.field(description="What it was refused for.")
    message: str = strawberry.field(description="The refusal in a sentence, for people.")
    field: list[str] | None = strawberry.field(
        description="The path of the input at fault; null where none is; at most 10."
    )


TYPES: dict[Any, Any] = {money.Money: Money, datetime | None: datetime | None, tuple[str, ...]: list[str]}

DESCRIPTIONS = {
    "noun": "The type that was looked for.",
    "id": "The id that was given.",
    "scope": "The scope that is needed.",
    "state": "The state it is in.",
    "action": "The action that was asked for.",
    "allowed": "The actions that are possible now; at most 20.",
    "sku": "The SKU.",
    "requested": "Units asked for.",
    "sellable": "Units that can be had.",
    "expected": "What the caller expected.",
    "actual": "What it is.",
    "reason": "Why.",
    "reference": "The reference.",
    "amount_due": "What must be paid.",
    "refundable": "The most that can go back.",
    "available": "The most that is left.",
    "order_line_id": "The order line.",
    "returnable_quantity": "Units that may come back.",
    "deadline": "The last moment to ask; null where there is none.",
    "expected_on_hand": "What the caller expected to be on hand.",
    "actual_on_hand": "What is on hand.",
    "expected_total": "The total that the caller expected.",
    "actual_total": "The total as it is.",
    "kinds": "What holds it; at most 10.",
    "committed": "Units that cannot be taken back.",
    "picked": "Those that are picked or packed: put them back by canceling, or ship them.",
    "reserved": "Those that carts hold: until the carts end, which takes minutes, or somebody releases them.",
    "set_aside": "Those in quality control and damaged: `stockRedispose` moves them, or takes them out.",
    "location": "The location's code.",
    "channel": "The channel's code.",
    "limit": "The most that are taken.",
    "instead": "The mutation that takes more.",
    "expired_at": "Until when the quote was good.",
    "quoted_for": "Which part of the quote is about something else: another channel, other lines, another destination or another reservation.",
    "leased_by": "Who holds the lease; null where nobody does.",
}


def _member(refusal: type[refusals.Refused]) -> Any:
    """The GraphQL type of a refusal: its data fields, named and typed as in the domain."""
    hints = get_type_hints(refusal)
    names = [each.name for each in dataclasses.fields(refusal) if each.name != "field"]
    body: dict[str, Any] = {name: strawberry.field(description=DESCRIPTIONS[name]) for name in names}
    body["__annotations__"] = {name: TYPES.get(hints[name], hints[name]) for name in names}
    body["__doc__"] = refusal.__doc__
    type_ = type(refusal.__name__, (UserError,), body)
    return strawberry.type(type_, description=(refusal.__doc__ or "").replace("{", "").replace("}", ""))


MEMBERS = tuple(_member(refusal) for refusal in refusals.REFUSALS)
