"""Every way to say no, as data: the family is closed and listed in `REFUSALS`.

A refusal is what the caller may fix; anything else that goes wrong is a bug. The class docstring is the message's
template, the class name its code, the fields what a program needs to go on. `field` is the path of the input at
fault, where there is one.
"""

# Money refuses malformed amounts and refusals name amounts: the two modules know each other, so annotations
# stay unevaluated and each imports the module, not the name.
from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain import money


@dataclass(eq=False)
class Refused(Exception):
    """Refused."""

    code: ClassVar[str] = "REFUSED"
    field: tuple[str, ...] = dataclasses.field(default=(), kw_only=True)

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).upper()

    @property
    def message(self) -> str:
        """The docstring with the fields filled in: for people, never for programs."""
        template = type(self).__doc__ or self.code
        return template.format(**{field.name: spoken(getattr(self, field.name)) for field in dataclasses.fields(self)})

    def __str__(self) -> str:
        return self.message


def spoken(value: object) -> object:
    """A field as a sentence would say it."""
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "nothing"
    return "none" if value is None else value


@dataclass(eq=False)
class NotFound(Refused):
    """No {noun} {id} is visible to you."""

    noun: str
    id: str


@dataclass(eq=False)
class Forbidden(Refused):
    """This needs the scope {scope}."""

    scope: str


@dataclass(eq=False)
class InvalidTransition(Refused):
    """{action} is not possible while {state}; possible now: {allowed}."""

    state: str
    action: str
    allowed: tuple[str, ...]


@dataclass(eq=False)
class InsufficientStock(Refused):
    """{requested} of {sku} requested, {sellable} can be sold."""

    sku: str
    requested: int
    sellable: int


@dataclass(eq=False)
class IdempotencyKeyReused(Refused):
    """This idempotency key was used before with another input."""


@dataclass(eq=False)
class VersionConflict(Refused):
    """Version {expected} was expected, but it is {actual} by now."""

    expected: int
    actual: int


@dataclass(eq=False)
class InvalidInput(Refused):
    """The input cannot be accepted: {reason}."""

    reason: str


@dataclass(eq=False)
class UnknownSku(Refused):
    """No variant has the SKU {sku}."""

    sku: str


@dataclass(eq=False)
class CurrencyMismatch(Refused):
    """An amount in {expected} is needed, {actual} was given."""

    expected: str
    actual: str


@dataclass(eq=False)
class DuplicateReference(Refused):
    """The channel already has an order with the reference {reference}."""

    reference: str


@dataclass(eq=False)
class PaymentDeclined(Refused):
    """The payment was declined: {reason}."""

    reason: str


@dataclass(eq=False)
class PaymentUnresolved(Refused):
    """The payment provider has not answered, so the outcome is not known yet: {reason}."""

    reason: str


@dataclass(eq=False)
class PaymentRequired(Refused):
    """{amount_due} must be paid first."""

    amount_due: money.Money


@dataclass(eq=False)
class RefundExceedsBalance(Refused):
    """At most {refundable} can be refunded."""

    refundable: money.Money


@dataclass(eq=False)
class AmountExceeds(Refused):
    """At most {available} of the authorization is left."""

    available: money.Money


@dataclass(eq=False)
class NotReturnable(Refused):
    """Of order line {order_line_id}, {returnable_quantity} can be returned: {reason}."""

    order_line_id: str
    reason: str
    returnable_quantity: int
    deadline: datetime | None


@dataclass(eq=False)
class QuantityExceeds(Refused):
    """At most {available} are left to act on."""

    available: int


@dataclass(eq=False)
class NotReversible(Refused):
    """Entry {id} cannot be undone: {reason}."""

    id: str
    reason: str


@dataclass(eq=False)
class StockChanged(Refused):
    """{expected_on_hand} of {sku} were expected on hand, but there are {actual_on_hand}."""

    sku: str
    expected_on_hand: int
    actual_on_hand: int


@dataclass(eq=False)
class TotalChanged(Refused):
    """The total was expected to be {expected_total}, but it is {actual_total} by now."""

    expected_total: money.Money
    actual_total: money.Money


@dataclass(eq=False)
class OnHold(Refused):
    """The order is on hold: {kinds}."""

    kinds: tuple[str, ...]


@dataclass(eq=False)
class Unroutable(Refused):
    """No location can ship {requested} of {sku}: {reason}."""

    sku: str
    requested: int
    reason: str


@dataclass(eq=False)
class UnitsCommitted(Refused):
    """No fewer than {committed} of {sku} can be on hand: {picked} are picked, {reserved} in carts, {set_aside} set aside."""

    sku: str
    committed: int
    picked: int
    reserved: int
    set_aside: int


@dataclass(eq=False)
class LocationNotInChannel(Refused):
    """The location {location} does not ship for the channel {channel}."""

    location: str
    channel: str


@dataclass(eq=False)
class TooManyOrders(Refused):
    """These are more than {limit} orders: nobody waits for that long; {instead} has them looked at by a worker."""

    limit: int
    instead: str


@dataclass(eq=False)
class QuoteExpired(Refused):
    """The quote was good until {expired_at}; ask for the options again."""

    expired_at: datetime


@dataclass(eq=False)
class QuoteMismatch(Refused):
    """The quote is for {quoted_for}, and not for what is ordered now."""

    quoted_for: str


@dataclass(eq=False)
class QuoteNotAvailable(Refused):
    """What was quoted is gone, and nothing else keeps its promise: {reason}."""

    reason: str


@dataclass(eq=False)
class WorkItemNotLeased(Refused):
    """You do not hold the lease of this work item, which is {state}; its holder: {leased_by}."""

    state: str
    leased_by: str | None


REFUSALS: tuple[type[Refused], ...] = (
    NotFound,
    Forbidden,
    InvalidTransition,
    InsufficientStock,
    IdempotencyKeyReused,
    VersionConflict,
    InvalidInput,
    UnknownSku,
    CurrencyMismatch,
    DuplicateReference,
    PaymentDeclined,
    PaymentUnresolved,
    PaymentRequired,
    RefundExceedsBalance,
    AmountExceeds,
    NotReturnable,
    QuantityExceeds,
    NotReversible,
    StockChanged,
    TotalChanged,
    OnHold,
    Unroutable,
    UnitsCommitted,
    LocationNotInChannel,
    TooManyOrders,
    QuoteExpired,
    QuoteMismatch,
    QuoteNotAvailable,
    WorkItemNotLeased,
)
"""The whole family: the schema shows each as a member of `UserError`, and a test keeps this list complete."""
