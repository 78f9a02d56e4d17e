"""What an order comes to, in the terms that recordings and API share; and what many orders come to together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from app.replay.recordings import ZONE
from domain.orders import OrderStatus


@dataclass(frozen=True, slots=True)
class Figures:
    """One order. Amounts are cents."""

    status: str
    units: int
    items_minor: int
    freight_minor: int
    paid_minor: int
    placed_at: datetime
    promised_at: datetime | None
    delivered_at: datetime | None

    @property
    def late(self) -> bool | None:
        """Whether it came after the promised day, as days are counted where it was sold; None before it came."""
        if self.delivered_at is None or self.promised_at is None:
            return None
        return day_of(self.delivered_at) > day_of(self.promised_at)


def day_of(moment: datetime) -> date:
    """The day it was where the orders were placed."""
    return moment.astimezone(ZONE).date()


Line = Callable[[Sequence[Figures]], float]


def _ended(status: OrderStatus, orders: Sequence[Figures]) -> int:
    return sum(each.status == status for each in orders)


def _sum(field: str, orders: Sequence[Figures]) -> int:
    return sum(getattr(each, field) for each in orders)


def _known(field: str, orders: Sequence[Figures]) -> int:
    return sum(getattr(each, field) is not None for each in orders)


def _late(late: bool, orders: Sequence[Figures]) -> int:
    return sum(each.late is late for each in orders)


def _mean_days(begin: str, end: str, orders: Sequence[Figures]) -> float:
    spans = ((getattr(each, begin), getattr(each, end)) for each in orders)
    return _mean([end - begin for begin, end in spans if begin and end])


def _mean(spans: Sequence[timedelta]) -> float:
    return round(sum(spans, timedelta()) / timedelta(days=1) / len(spans), 4) if spans else 0.0


LINES: dict[str, Line] = {
    "orders": len,
    **{status.value: partial(_ended, status) for status in OrderStatus if status != OrderStatus.DRAFT},
    "units": partial(_sum, "units"),
    "items total": partial(_sum, "items_minor"),
    "freight total": partial(_sum, "freight_minor"),
    "paid total": partial(_sum, "paid_minor"),
    "with a promise": partial(_known, "promised_at"),
    "with a delivery": partial(_known, "delivered_at"),
    "on time": partial(_late, False),
    "late": partial(_late, True),
    "mean days to delivery": partial(_mean_days, "placed_at", "delivered_at"),
    "mean days to spare": partial(_mean_days, "delivered_at", "promised_at"),
}
"""What is compared, line by line."""

AMOUNTS = {"items total", "freight total", "paid total"}


def summed(orders: Iterable[Figures]) -> dict[str, float]:
    """What orders come to together."""
    orders = list(orders)
    return {name: line(orders) for name, line in LINES.items()}
