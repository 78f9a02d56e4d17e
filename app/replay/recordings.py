"""Recorded orders of a marketplace, out of its gzip CSVs: only what a window of days needs.

The files name local time of São Paulo; the Z at its end is an artefact. Moments become UTC here.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from operator import itemgetter
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from app.failure import Failure

ZONE = ZoneInfo("America/Sao_Paulo")
T = TypeVar("T")

CURRENCY = "BRL"
COUNTRY = "BR"


class RecordingsError(Failure):
    """The folder does not hold what a replay reads; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Window:
    """Days of purchase, as the marketplace counts them: `first` and later, before `end`."""

    first: date
    end: date

    @property
    def begins_at(self) -> datetime:
        """Its first moment."""
        return moment_of(f"{self.first}T00:00:00")

    @property
    def ends_at(self) -> datetime:
        """The moment after its last."""
        return moment_of(f"{self.end}T00:00:00")


@dataclass(frozen=True, slots=True)
class Place:
    """A postal area; its coordinates where its centroid is known."""

    postal_code: str
    city: str
    region: str
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One unit that was bought."""

    product_id: str
    seller_id: str
    price_minor: int
    freight_minor: int


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment."""

    method: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """One order as it was recorded."""

    id: str
    status: str
    person: str
    place: Place
    purchased_at: datetime
    approved_at: datetime | None
    handed_over_at: datetime | None
    delivered_at: datetime | None
    promised_at: datetime | None
    items: tuple[Item, ...]
    payments: tuple[Paid, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """What was sold; it has a category and no name."""

    id: str
    category: str
    weight_grams: int | None
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None


@dataclass(frozen=True, slots=True)
class Recordings:
    """The orders of a window in the order of their purchase, and what they refer to."""

    orders: tuple[Recorded, ...]
    products: Mapping[str, Product]
    sellers: Mapping[str, Place]


def read(folder: Path, window: Window) -> Recordings:
    """The recordings of a window, or `RecordingsError`."""
    orders = {row[0]: row for row in _orders(folder, window)}
    items = _grouped(_items(folder, orders))
    payments = _grouped(_payments(folder, orders))
    places = _places(folder)
    buyers = _buyers(folder, {row[1] for row in orders.values()}, places)
    recorded = [_recorded(row, buyers, items, payments) for row in orders.values()]
    sold = [item for each in items.values() for item in each]
    return Recordings(
        tuple(sorted(recorded, key=lambda each: (each.purchased_at, each.id))),
        _known(_products(folder, {item.product_id for item in sold}), (item.product_id for item in sold), "products"),
        _known(
            _sellers(folder, {item.seller_id for item in sold}, places), (item.seller_id for item in sold), "sellers"
        ),
    )


def _known(found: Mapping[str, T], wanted: Iterable[str], name: str) -> Mapping[str, T]:
    """What was found, if it is everything that orders name."""
    for id_ in wanted:
        if id_ not in found:
            raise RecordingsError(f"{name}.csv.gz does not know {id_}, which order_items.csv.gz names")
    return found


# -- rows --------------------------------------------------------------------------------------------------------------


Row = tuple[str, ...]


def rows(folder: Path, name: str, *columns: str) -> Iterator[Row]:
    """The rows of `name`.csv.gz, reduced to `columns`."""
    path = folder / f"{name}.csv.gz"
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            pick = itemgetter(*[header.index(column) for column in columns])
            yield from map(pick, filter(None, reader))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise RecordingsError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except (ValueError, IndexError):
        raise RecordingsError(f"{path} lacks one of the columns {', '.join(columns)}") from None


def moment_of(text: str) -> datetime:
    """A local moment as UTC."""
    return datetime.fromisoformat(text[:19]).replace(tzinfo=ZONE).astimezone(UTC)


def minor_of(text: str) -> int:
    """An amount such as 12.9 in cents, exactly."""
    whole, _, fraction = text.partition(".")
    if len(fraction) > 2:
        raise RecordingsError(f"{text} is finer than a cent")
    return int(whole) * 100 + int(fraction.ljust(2, "0"))


def _moment_or_none(text: str) -> datetime | None:
    return moment_of(text) if text else None


def _orders(folder: Path, window: Window) -> Iterator[Row]:
    first, end = str(window.first), str(window.end)
    moments = ("purchase_timestamp", "approved_at", "delivered_carrier_date", "delivered_customer_date")
    columns = ("order_id", "customer_id", "order_status", *(f"order_{each}" for each in moments))
    for row in rows(folder, "orders", *columns, "order_estimated_delivery_date"):
        if first <= row[3][:10] < end:
            yield row


def _items(folder: Path, wanted: Mapping[str, Row]) -> Iterator[tuple[str, Item]]:
    columns = ("order_id", "product_id", "seller_id", "price", "freight_value")
    for order_id, product_id, seller_id, price, freight in rows(folder, "order_items", *columns):
        if order_id in wanted:
            yield order_id, Item(product_id, seller_id, minor_of(price), minor_of(freight))


def _payments(folder: Path, wanted: Mapping[str, Row]) -> Iterator[tuple[str, Paid]]:
    for order_id, method, value in rows(folder, "order_payments", "order_id", "payment_type", "payment_value"):
        if order_id in wanted:
            yield order_id, Paid(method, minor_of(value))


def _grouped(pairs: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found


def _places(folder: Path) -> dict[str, tuple[float, float]]:
    """Centroids of postal areas."""
    found = rows(folder, "zip_centroids", "zip_code_prefix", "lat", "lng")
    return {prefix: (float(latitude), float(longitude)) for prefix, latitude, longitude in found}


def _place(row: Row, centroids: Mapping[str, tuple[float, float]]) -> Place:
    prefix, city, region = row
    return Place(prefix, city, region, *centroids.get(prefix, (None, None)))


def _buyers(
    folder: Path, wanted: set[str], centroids: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[str, Place]]:
    """(the person, where they live) by the name that an order has for them."""
    columns = ("zip_code_prefix", "city", "state")
    found = rows(folder, "customers", "customer_id", "customer_unique_id", *(f"customer_{each}" for each in columns))
    return {row[0]: (row[1], _place(row[2:], centroids)) for row in found if row[0] in wanted}


def _sellers(folder: Path, wanted: set[str], centroids: Mapping[str, tuple[float, float]]) -> dict[str, Place]:
    columns = ("seller_id", "seller_zip_code_prefix", "seller_city", "seller_state")
    return {row[0]: _place(row[1:], centroids) for row in rows(folder, "sellers", *columns) if row[0] in wanted}


def _products(folder: Path, wanted: set[str]) -> dict[str, Product]:
    sizes = ("weight_g", "length_cm", "width_cm", "height_cm")
    columns = ("product_id", "product_category_name", *(f"product_{each}" for each in sizes))
    found = (row for row in rows(folder, "products", *columns) if row[0] in wanted)
    return {row[0]: Product(row[0], row[1] or "outros", _whole(row[2], 1), *_millimeters(row[3:])) for row in found}


def _millimeters(centimeters: Row) -> Iterator[int | None]:
    return (_whole(each, 10) for each in centimeters)


def _whole(text: str, times: int) -> int | None:
    """A measure as a whole number, where it was taken."""
    return round(float(text) * times) if text else None


def _recorded(
    row: Row,
    buyers: Mapping[str, tuple[str, Place]],
    items: Mapping[str, list[Item]],
    payments: Mapping[str, list[Paid]],
) -> Recorded:
    order_id, customer_id, status, purchased, *later = row
    if customer_id not in buyers:
        raise RecordingsError(f"order {order_id}: customers.csv.gz does not know its customer {customer_id}")
    person, place = buyers[customer_id]
    approved, handed_over, delivered, promised = map(_moment_or_none, later)
    return Recorded(
        id=order_id,
        status=status,
        person=person,
        place=place,
        purchased_at=moment_of(purchased),
        approved_at=approved,
        handed_over_at=handed_over,
        delivered_at=delivered,
        promised_at=promised,
        items=tuple(items.get(order_id, ())),
        payments=tuple(payments.get(order_id, ())),
    )
