"""A marketplace of our own making: gzip CSVs of the shape that `ordergraph replay` reads, with every oddity in them.

Nothing of it was recorded anywhere. The same files in every run.
"""

import csv
import gzip
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

ORDERS = 200
FIRST_DAY, END_DAY = "2018-01-15", "2018-02-20"
"""The clocks go back on 18 February: one hour is there twice."""

Row = dict[str, object]

HEADERS = {
    "orders": "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
    "order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date,snapshot_date",
    "order_items": "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value",
    "order_payments": "order_id,payment_sequential,payment_type,payment_installments,payment_value",
    "customers": "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state",
    "sellers": "seller_id,seller_zip_code_prefix,seller_city,seller_state",
    "products": "product_id,product_category_name,product_name_lenght,product_description_lenght,product_photos_qty,"
    "product_weight_g,product_length_cm,product_height_cm,product_width_cm",
    "zip_centroids": "zip_code_prefix,lat,lng,city,state",
}


@dataclass
class Marketplace:
    """What happened, as rows by file."""

    chance: random.Random
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def id(self) -> str:
        """An id as the recordings have them."""
        return f"{self.chance.getrandbits(128):032x}"

    def add(self, file: str, **values: object) -> Row:
        """One row."""
        self.rows[file].append(values)
        return values

    def write(self, folder: Path) -> Path:
        """The files."""
        for name, header in HEADERS.items():
            with gzip.open(folder / f"{name}.csv.gz", "wt", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, header.split(","), restval="")
                writer.writeheader()
                writer.writerows(self.rows[name])
        return folder


def marketplace(seed: int = 7) -> Marketplace:
    """Two hundred orders in the window, two beside it."""
    found = Marketplace(random.Random(seed))
    _places(found)
    _sellers(found)
    _products(found)
    persons = [found.id() for _ in range(80)]
    moments = sorted(_moments(found.chance))
    for moment, oddity in zip(moments, _oddities(), strict=True):
        Life(found, found.chance.choice(persons), moment, oddity).live()
    for outside in ("2018-01-14T23:59:59", "2018-02-20T00:00:00"):
        Life(found, persons[0], datetime.fromisoformat(outside), "").live()
    return found


def _moments(chance: random.Random) -> Iterator[datetime]:
    """Moments of purchase: the window's first and last second, one in the hour that is there twice, and others."""
    yield from map(datetime.fromisoformat, ("2018-01-15T00:00:00", "2018-02-19T23:59:59", "2018-02-17T23:30:00"))
    begin = datetime.fromisoformat(FIRST_DAY)
    for _ in range(ORDERS - 3):
        yield begin + timedelta(seconds=chance.randrange(36 * 86_400 - 1))


ODDITIES = (
    "no items",
    "no items, unavailable",
    "no payments",
    "one cent off",
    "cents off",
    "up to one off",
    "more off",
    "a payment of nothing",
    "many payments",
    "created",
    "created without payments",
    "created, approved",
    "never approved",
    "approved before placed",
    "handed over before placed",
    "handed over before approved",
    "delivered before placed",
    "delivered before approved",
    "delivered before handed over",
    "handed over undated",
    "delivered undated",
    "late",
    "on the promised day",
    "two sellers",
    "the same product of two sellers",
    "one product at two prices",
    "many units",
    "without a promise",
    "shipped",
    "invoiced",
    "processing",
    "processing, handed over",
    "approved",
    "canceled",
    "canceled before approval",
    "canceled after hand-over",
    "canceled after delivery",
    "unavailable",
)


def _oddities() -> Iterator[str]:
    """Each of them twice, then plain orders; mixed, but the same in every run."""
    mixed = [*ODDITIES * 2, *[""] * (ORDERS - 2 * len(ODDITIES))]
    random.Random(11).shuffle(mixed)
    yield from mixed


# -- who and what ------------------------------------------------------------------------------------------------------


def _places(market: Marketplace) -> None:
    for number in range(40):
        latitude, longitude = market.chance.uniform(-30, -5), market.chance.uniform(-55, -35)
        name, where = f"{10_000 + 100 * number}", {"city": "cidade inventada", "state": "SP"}
        market.add("zip_centroids", zip_code_prefix=name, lat=round(latitude, 5), lng=round(longitude, 5), **where)


def _prefix(chance: random.Random) -> str:
    """A postal prefix; one in ten has no centroid."""
    return f"{10_000 + 100 * chance.randrange(40) + (chance.random() < 0.1)}"


def _sellers(market: Marketplace) -> None:
    for _ in range(25):
        where = {"seller_zip_code_prefix": _prefix(market.chance), "seller_city": "são joão", "seller_state": "MG"}
        market.add("sellers", seller_id=market.id(), **where)


def _products(market: Marketplace) -> None:
    for number in range(60):
        sizes = [("weight_g", 300 + number), ("length_cm", 20), ("height_cm", 10), ("width_cm", 15)]
        measured = {f"product_{name}": value for name, value in sizes} if number % 9 else {}
        category = f"categoria_{number % 7}" if number % 13 else ""
        market.add("products", product_id=market.id(), product_category_name=category, **measured)


# -- one order ---------------------------------------------------------------------------------------------------------


class Life:
    """One order: what was bought, what was paid, and when what happened."""

    def __init__(self, market: Marketplace, person: str, bought_at: datetime, oddity: str) -> None:
        self.market = market
        self.chance = market.chance
        self.person = person
        self.oddity = oddity
        self.id = market.id()
        self.bought_at = bought_at
        self.approved_at: datetime | None = bought_at + timedelta(minutes=self.chance.randrange(1, 3000))
        self.handed_at: datetime | None = self.approved_at + timedelta(hours=self.chance.randrange(5, 90))
        self.delivered_at: datetime | None = self.handed_at + timedelta(hours=self.chance.randrange(20, 300))
        self.promised_at: datetime | None = _midnight(bought_at + timedelta(days=40))
        self.status = "delivered"

    def live(self) -> None:
        """Add its rows."""
        self._items()
        self._payments()
        self._bend()
        self._row()

    def _items(self) -> None:
        if self.oddity.startswith("no items"):
            return
        products, sellers = self.market.rows["products"], self.market.rows["sellers"]
        product, seller = self.chance.choice(products), self.chance.choice(sellers)
        other = self.chance.choice([each for each in sellers if each is not seller])
        price = self.chance.randrange(500, 40_000)
        bought = {
            "two sellers": [(product, seller, price), (self.chance.choice(products), other, price + 1)],
            "the same product of two sellers": [(product, seller, price), (product, other, price)],
            "one product at two prices": [(product, seller, price), (product, seller, price + 250)],
            "many units": [(product, seller, price)] * 12,
        }.get(self.oddity, [(product, seller, price)] * self.chance.choice((1, 1, 1, 2)))
        for position, (what, who, cents) in enumerate(bought, start=1):
            self._item(position, what, who, cents)

    def _item(self, position: int, product: Row, seller: Row, cents: int) -> None:
        ids = {"order_id": self.id, "product_id": product["product_id"], "seller_id": seller["seller_id"]}
        money = {"price": _decimal(cents), "freight_value": _decimal(self.chance.randrange(0, 4000))}
        self.market.add("order_items", order_item_id=position, **ids, **money)

    def _payments(self) -> None:
        items = [row for row in self.market.rows["order_items"] if row["order_id"] == self.id]
        total = sum(_cents(row["price"]) + _cents(row["freight_value"]) for row in items) or 5000
        off = {"one cent off": 1, "cents off": -7, "up to one off": 55, "more off": 1234}.get(self.oddity, 0)
        amounts = [total + off]
        if self.oddity in {"no payments", "created without payments"}:
            amounts = []
        elif self.oddity == "a payment of nothing":
            amounts = [total, 0]
        elif self.oddity == "many payments":
            amounts = [1] * 22 + [total - 22]
        for number, amount in enumerate(amounts, start=1):
            how = {"payment_type": self.chance.choice(("credit_card", "boleto", "voucher")), "payment_installments": 1}
            paid = {"order_id": self.id, "payment_sequential": number, "payment_value": _decimal(amount)}
            self.market.add("order_payments", **paid, **how)

    def _bend(self) -> None:
        """What the oddity does to status and moments."""
        hour = timedelta(hours=1)
        unknown: dict[str, object] = {"approved_at": None, "handed_at": None, "delivered_at": None}
        delivered: dict[str, object] = {"delivered_at": None}
        waiting: dict[str, object] = {"handed_at": None, "delivered_at": None}
        assert self.approved_at
        assert self.handed_at
        assert self.delivered_at
        bent: dict[str, dict[str, object]] = {
            "no items": {"status": "canceled", **unknown},
            "no items, unavailable": {"status": "unavailable", **waiting},
            "created": {"status": "created", **unknown},
            "created without payments": {"status": "created", **unknown},
            "created, approved": {"status": "created", **waiting},
            "never approved": {"approved_at": None},
            "approved before placed": {"approved_at": self.bought_at - hour},
            "handed over before placed": {"handed_at": self.bought_at - hour},
            "handed over before approved": {"handed_at": self.approved_at - timedelta(seconds=30)},
            "delivered before placed": {"delivered_at": self.bought_at - hour},
            "delivered before approved": {"handed_at": self.approved_at - hour, "delivered_at": self.approved_at},
            "delivered before handed over": {"delivered_at": self.handed_at - hour},
            "handed over undated": {"handed_at": None},
            "delivered undated": delivered,
            "late": {"promised_at": _midnight(self.delivered_at - timedelta(days=1))},
            "on the promised day": {"promised_at": _midnight(self.delivered_at)},
            "without a promise": {"promised_at": None},
            "shipped": {"status": "shipped", **delivered},
            "invoiced": {"status": "invoiced", **waiting},
            "processing": {"status": "processing", **waiting},
            "processing, handed over": {"status": "processing", **delivered},
            "approved": {"status": "approved", **waiting},
            "canceled": {"status": "canceled", **waiting},
            "canceled before approval": {"status": "canceled", **unknown},
            "canceled after hand-over": {"status": "canceled", **delivered},
            "canceled after delivery": {"status": "canceled"},
            "unavailable": {"status": "unavailable", **waiting},
        }
        if self.oddity == "delivered before approved":
            bent[self.oddity]["delivered_at"] = self.approved_at - timedelta(seconds=10)
        for name, value in bent.get(self.oddity, {}).items():
            setattr(self, name, value)

    def _row(self) -> None:
        customer = self.market.id()
        where = {"customer_zip_code_prefix": _prefix(self.chance), "customer_city": "olinda", "customer_state": "PE"}
        self.market.add("customers", customer_id=customer, customer_unique_id=self.person, **where)
        self.market.add(
            "orders",
            order_id=self.id,
            customer_id=customer,
            order_status=self.status,
            order_purchase_timestamp=_stamp(self.bought_at),
            order_approved_at=_stamp(self.approved_at),
            order_delivered_carrier_date=_stamp(self.handed_at),
            order_delivered_customer_date=_stamp(self.delivered_at),
            order_estimated_delivery_date=_stamp(self.promised_at),
            snapshot_date="2018_01_01",
        )


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0)


def _stamp(moment: datetime | None) -> str:
    """As the recordings write it: local, whatever the Z says."""
    return f"{moment.isoformat()}.000Z" if moment else ""


def _decimal(cents: int) -> str:
    """As the recordings write amounts: without trailing zeros, at times."""
    whole, rest = divmod(cents, 100)
    return f"{whole}.{rest:02}" if rest % 10 else f"{whole}.{rest // 10}"


def _cents(text: object) -> int:
    whole, _, fraction = str(text).partition(".")
    return int(whole) * 100 + int(fraction.ljust(2, "0"))
