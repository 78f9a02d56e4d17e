"""How promises of delivery are kept."""

from typing import Any

import strawberry
from sqlalchemy import Integer, cast

from resolvers.reading.mapping import column
from schema.common import as_float


def _count(name: str, description: str) -> Any:
    return column(lambda row: cast(row.c.doc[name].astext, Integer), description)


def _float(name: str, description: str) -> Any:
    return column(lambda row: as_float(row.c.doc[name].astext), description)


@strawberry.type(description="What was promised to buyers, beside what happened.")
class PromiseReport:
    """A report: one JSON document."""

    orders: int = _count(
        "orders",
        "Orders with a promise of which the end is known: they were delivered, or should have been by now.",
    )
    overdue: int = _count("overdue", "Those of them that were promised for a day before today and are not complete.")
    late_rate: float | None = _float(
        "late_rate", "Those that came on a later day than the latest promised, and those overdue, by all; 0 to 1."
    )
    promised_late_rate: float | None = _float(
        "promised_rate", "How many of them the promises themselves said would be late; 0 to 1."
    )
    mean_promise_days: float | None = _float(
        "mean_promise_days", "Days from the order to the latest day promised, on average."
    )
    mean_absolute_error_days: float | None = _float(
        "mean_absolute_error_days", "Days between the latest day promised and the delivery, on average."
    )
