"""What every noun of the graph shares: ids, connections, money, addresses, scalars, enums from the domain's words."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Generic, NewType, TypeVar

import strawberry
from graphql import GraphQLError
from sqlalchemy import ColumnElement, Numeric, Table, Text, case, cast, func, literal_column
from sqlalchemy.dialects.postgresql import JSONB
from strawberry.types.enum import StrawberryEnumDefinition

from domain import ids
from domain.money import CURRENCY, EXPONENTS
from domain.store.visibility import Rule
from domain.words import Word
from resolvers.reading.arguments import Argument
from resolvers.reading.mapping import Entity, Row, Values, column, inline

T = TypeVar("T")
W = TypeVar("W", bound=type[Enum])

JSON = NewType("JSON", object)
"""Any JSON value."""

URL = NewType("URL", str)
"""An absolute http or https URL."""

CountryCode = NewType("CountryCode", str)
"""An ISO 3166-1 alpha-2 code."""

CurrencyCode = NewType("CurrencyCode", str)
"""An ISO 4217 code."""


def instant(text: str) -> datetime:
    """A DateTime as the graph takes it: ISO 8601 with an offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a DateTime needs an offset, such as Z")
    return moment.astimezone(UTC)  # refuses moments whose year is out of range there: they could not be stored


def day(text: Any) -> date:
    """A Date as the graph takes it."""
    if not (isinstance(text, str) and len(text) == 10):
        raise ValueError("a Date is written as 2018-12-24")
    return date.fromisoformat(text)


def country(text: Any) -> str:
    """A country code as the graph takes it."""
    if not (isinstance(text, str) and len(text) == 2 and text.isascii() and text.isalpha()):
        raise ValueError("a country is two letters, as in ISO 3166-1")
    return text.upper()


def currency_code(text: Any) -> str:
    """A currency code as the graph takes it."""
    if not (isinstance(text, str) and CURRENCY.fullmatch(text)):
        raise ValueError("a currency is three capital letters, as in ISO 4217")
    return text


def json_value(value: Any) -> Any:
    """A JSON value as the graph takes it: one that PostgreSQL can keep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if "\0" in name:
                raise GraphQLError("JSON cannot hold the character U+0000")
            json_value(inner)
    elif isinstance(value, list):
        for inner in value:
            json_value(inner)
    elif isinstance(value, str) and "\0" in value:
        raise GraphQLError("JSON cannot hold the character U+0000")
    elif isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise GraphQLError("a whole number in JSON has at most 64 bits")
    return value


def url(text: Any) -> str:
    """A URL as the graph takes it."""
    if not (isinstance(text, str) and text.lower().startswith(("https://", "http://"))):
        raise ValueError("a URL begins with https:// or http://")
    return text


SCALARS: dict[object, Any] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in ISO 8601 with its offset, such as 2018-01-01T00:00:00Z; answered in UTC.",
        serialize=lambda value: value.isoformat() if isinstance(value, datetime) else value,
        parse_value=instant,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    ),
    date: strawberry.scalar(
        name="Date",
        description="A calendar day in ISO 8601, such as 2018-12-24.",
        serialize=lambda value: value.isoformat() if isinstance(value, date) else value,
        parse_value=day,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        serialize=lambda value: value,
        parse_value=json_value,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
    ),
    URL: strawberry.scalar(
        name="URL",
        description="An absolute http or https URL.",
        serialize=lambda value: value,
        parse_value=url,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3986",
    ),
    CurrencyCode: strawberry.scalar(
        name="CurrencyCode",
        description="A currency as ISO 4217, such as BRL.",
        serialize=lambda value: value,
        parse_value=currency_code,
        specified_by_url="https://www.iso.org/iso-4217-currency-codes.html",
    ),
    CountryCode: strawberry.scalar(
        name="CountryCode",
        description="A country as ISO 3166-1 alpha-2, such as BR.",
        serialize=lambda value: value,
        parse_value=country,
        specified_by_url="https://www.iso.org/iso-3166-country-codes.html",
    ),
}


def words(vocabulary: type[Word], name: str | None = None) -> Any:
    """A GraphQL enum out of one of the domain's vocabularies, its wording included."""
    strawberry.enum(vocabulary, name=name, description=vocabulary.__doc__)
    definition: StrawberryEnumDefinition = vocabulary.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = vocabulary(value.value).description
    return vocabulary


def entity(table: Table, visible: Rule, *, name: str | None = None) -> Callable[[type[T]], type[T]]:
    """Declare that a type's objects are rows of `table`, seen under the rule `visible`."""

    def declare(type_: type[T]) -> type[T]:
        type_.__entity__ = Entity(name or type_.__name__, table, visible)  # type: ignore[attr-defined]
        return type_

    return declare


def id_of(typename: str, key: str = "id") -> Any:
    """The `id` field of a type."""
    prefix = ids.PREFIXES[typename]
    return column(
        lambda row: literal_column(f"'{prefix}_'", Text) + getattr(row.c, key).cast(Text),
        "The opaque id, stable for ever.",
    )


LABELS_LIMIT = 50


def labels() -> Any:
    """The `tags` field of a type."""
    return column(lambda row: row.c.tags[1:LABELS_LIMIT], "Labels that staff use; at most 50.")


@strawberry.interface(description="Anything with an id that can be asked for again by `node`.")
class Node:
    """The Relay interface."""

    id: strawberry.ID = strawberry.field(description="The opaque id, stable for ever.")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """The Relay page info; the compiler knows its fields."""

    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is more before this page.")
    start_cursor: str | None = strawberry.field(description="The first item's cursor; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The last item's cursor; null on an empty page.")


@strawberry.type(description="One item of a list and its place in it.")
class Edge(Generic[T]):
    """A Relay edge."""

    cursor: str = strawberry.field(description="The place: pass it as `after` to go on from here.")
    node: T = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    """A Relay connection."""

    edges: list[Edge[T]] = strawberry.field(description="The page's items with their cursors, at most 100.")
    nodes: list[T] = strawberry.field(description="The page's items alone, at most 100.")
    page_info: PageInfo = strawberry.field(description="Where this page stands in the list.")
    total_count: int = strawberry.field(description="How many items the whole list has; counted only when asked for.")


First = Annotated[
    int | None, strawberry.argument(description="How many items from the start: 0 to 100; 20 if neither.")
]
After = Annotated[str | None, strawberry.argument(description="The cursor to go on after.")]
Last = Annotated[int | None, strawberry.argument(description="How many items from the end: 0 to 100.")]
Before = Annotated[str | None, strawberry.argument(description="The cursor to stop before.")]

FILTER = strawberry.argument(description="Which items; all of them if left out.")
SORT = strawberry.argument(description="In which order, if not the list's own.")


@strawberry.enum(description="Which way a list is sorted.")
class SortDirection(Enum):
    """The direction of a sort."""

    ASC = strawberry.enum_value("ASC", description="Smallest, or earliest, first.")
    DESC = strawberry.enum_value("DESC", description="Largest, or latest, first.")


def constant(given: Argument) -> ColumnElement[str]:
    """The word that an enum argument holds, written into the statement, which may then use the word's partial index.

    It is a part of the plan's key, so each word has a statement of its own.
    """
    return literal_column(f"'{given.value.value}'", Text)


def as_float(number: ColumnElement[Any]) -> ColumnElement[Any]:
    """A number as floats are written: a whole one has its `.0`."""
    exact = cast(number, Numeric)
    return case((exact == func.trunc(exact), func.round(exact, literal_column("1"))), else_=func.trim_scale(exact))


# -- money ---------------------------------------------------------------------------------------------------------


COMMONEST = ("USD", "EUR", "BRL", "GBP", "CAD", "AUD")
"""Currencies of two digits that are looked for first: a list is quicker than a look into JSON."""
HUNDREDTH: ColumnElement[Any] = literal_column("0.01", Numeric)
ODD: ColumnElement[Any] = literal_column(
    "'" + json.dumps({code: f"{Decimal(1).scaleb(-digits):f}" for code, digits in EXPONENTS.items()}) + "'::jsonb",
    JSONB,
)
"""What one minor unit is, of the currencies that have not two digits: one value, because PostgreSQL makes each list in a
statement ready again whenever it runs, once for every amount that is selected."""


def decimal_text(minor: ColumnElement[int], currency: ColumnElement[str]) -> ColumnElement[str]:
    """Minor units as exact decimal text: numeric multiplication loses nothing, and keeps the digits of what it is by."""
    odd = func.coalesce(ODD.op("->>")(currency).cast(Numeric), HUNDREDTH)
    return (minor * case((currency.in_(COMMONEST), HUNDREDTH), else_=odd)).cast(Text)


@strawberry.type(description="An amount of money, exact to the currency's last minor unit.")
class Money:
    """Minor units and their currency."""

    amount: str = column(
        lambda money: decimal_text(money.c.minor, money.c.currency), "The amount as decimal text, such as 12.90."
    )
    currency: CurrencyCode = column("currency", "The currency as ISO 4217, such as BRL.")


@strawberry.input(name="MoneyInput", description="An amount of money.")
class MoneyInput:
    """Decimal text and its currency."""

    amount: str = strawberry.field(description="The amount as decimal text, such as 12.90.")
    currency: CurrencyCode = strawberry.field(description="The currency as ISO 4217, such as BRL.")


def money(minor: str, description: str, *, currency: str = "currency") -> Any:
    """A Money field out of a `_minor` column and the row's currency; null where the column is null."""
    return inline(lambda row: Values(minor=getattr(row.c, minor), currency=getattr(row.c, currency)), description)


def optional_money(minor: Callable[[Row], Any], currency: Callable[[Row], Any], description: str) -> Any:
    """A Money field out of expressions, null where the amount is null."""
    return inline(lambda row: Values(minor=minor(row), currency=currency(row)), description, present=minor)


# -- addresses -----------------------------------------------------------------------------------------------------

ADDRESS = ("line1", "line2", "city", "region", "postal_code", "country")


@strawberry.type(description="A postal address.")
class Address:
    """An address out of the row that carries it."""

    line1: str | None = column("line1", "Street and number.")
    line2: str | None = column("line2", "Anything more the carrier needs, such as a flat.")
    city: str | None = column("city", "City or town.")
    region: str | None = column("region", "State, province or prefecture.")
    postal_code: str | None = column("postal_code", "Postal code, as the country writes it.")
    country: CountryCode | None = column("country", "The country as ISO 3166-1 alpha-2.")


@strawberry.input(description="A postal address.")
class AddressInput:
    """An address as callers give it."""

    line1: str | None = strawberry.field(default=None, description="Street and number.")
    line2: str | None = strawberry.field(default=None, description="Anything more the carrier needs, such as a flat.")
    city: str | None = strawberry.field(default=None, description="City or town.")
    region: str | None = strawberry.field(default=None, description="State, province or prefecture.")
    postal_code: str | None = strawberry.field(default=None, description="Postal code, as the country writes it.")
    country: CountryCode = strawberry.field(description="The country as ISO 3166-1 alpha-2.")
    latitude: float | None = strawberry.field(default=None, description="Degrees north, if the caller knows.")
    longitude: float | None = strawberry.field(default=None, description="Degrees east, if the caller knows.")


def address(description: str) -> Any:
    """The address that a row carries; null where it has no country."""
    return inline(
        lambda row: Values(**{name: getattr(row.c, name) for name in ADDRESS}),
        description,
        present=lambda row: row.c.country,
    )


# -- who did it, and when ------------------------------------------------------------------------------------------


@strawberry.type(description="Who did something.")
class Actor:
    """The party behind a change, as it was called then."""

    kind: str = column("kind", "CUSTOMER, GUEST, STAFF, APP or SYSTEM.")
    display_name: str = column("name", "The name to show.")


def actor(kind: str, name: str, description: str) -> Any:
    """An Actor out of two columns."""
    return inline(lambda row: Values(kind=getattr(row.c, kind), name=getattr(row.c, name)), description)


@strawberry.type(description="A span of time in which something is promised.")
class DateRange:
    """The promise's edges."""

    earliest: datetime | None = column("earliest", "Not before this moment.")
    latest: datetime | None = column("latest", "Not after this moment.")
    confidence: float | None = column("confidence", "How sure we are, 0 to 1; null where nothing was learned yet.")
