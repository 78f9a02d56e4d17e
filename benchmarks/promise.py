"""How good promises are that are learned from a marketplace's own past, beside those that it made itself.

Every day of the test the production learner (`domain.promises`) learns, as the worker's daily job does, from what was known
when the day began: orders of earlier days, and of their deliveries those that had happened. A promise is late when the
parcel came on a later date than the latest that was promised, as the marketplace counts its own; a promise is as long as
there are days from the date of the purchase to it. Both sides are judged on the same orders: those that were delivered.

The marketplace let a certain share of its own orders be late, and that is the budget: every day we promise what, by all
that is known that day, is late as often as the marketplace was with recent orders, less a margin.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from statistics import mean
from typing import Any

from app.replay.recordings import ZONE, Place, Recorded, Recordings, Window, read
from domain.promises import SURE_DAYS, SURE_HALF_LIFE_DAYS, Journey, Past, learn
from domain.routing.distance import distance_km

FIRST, END = date(2018, 4, 1), date(2018, 6, 1)
BEFORE = date(2016, 9, 1)
MARGIN = 0.85
"""Of the marketplace's own budget. Chosen on purchases before the test (`--promise-from 2017-08-01 --promise-to 2018-04-01`,
in steps of 0.05): the largest by which, over those eight months, no more orders are late than the marketplace's."""


@dataclass(frozen=True, slots=True)
class Bought:
    """A recorded order: a journey for each seller, what the marketplace promised, and what happened."""

    day: date
    journeys: tuple[Journey, ...]
    promised: date
    delivered: date | None

    @property
    def past(self) -> Past:
        """As the learner is told of it: an order is there with its last parcel."""
        return Past(self.journeys[0], self.delivered)


@dataclass(frozen=True, slots=True)
class Tally:
    """How one side did."""

    late_rate: float
    mean_promise_days: float
    mean_absolute_error_days: float

    @classmethod
    def of(cls, orders: Sequence[Bought], promised: Sequence[date]) -> "Tally":
        """Of orders that were delivered, with what was promised for each."""
        late, lengths, errors = [], [], []
        for order, latest in zip(orders, promised, strict=True):
            assert order.delivered is not None
            late.append(order.delivered > latest)
            lengths.append((latest - order.day).days)
            errors.append(abs((order.delivered - latest).days))
        return cls(mean(late), mean(lengths), mean(errors))


def bought(recordings: Recordings) -> list[Bought]:
    """Recorded orders as the learner sees them, in the order of their purchase."""
    return [_bought(each, recordings) for each in recordings.orders if each.items and each.promised_at]


def _bought(order: Recorded, recordings: Recordings) -> Bought:
    assert order.promised_at is not None
    sellers = dict.fromkeys(item.seller_id for item in order.items)
    delivered = order.delivered_at and order.delivered_at.astimezone(ZONE).date()
    at = order.purchased_at.astimezone(ZONE).replace(tzinfo=None)
    journeys = tuple(_journey(at, seller, recordings.sellers[seller], order.place) for seller in sellers)
    return Bought(at.date(), journeys, order.promised_at.astimezone(ZONE).date(), delivered)


def _journey(at: datetime, seller: str, origin: Place, to: Place) -> Journey:
    ends = origin.latitude, origin.longitude, to.latitude, to.longitude
    distance = None if None in ends else distance_km(*ends)  # type: ignore[arg-type] - just looked
    return Journey(at, seller, origin.region, to.region, to.postal_code, distance)


def budget(orders: Sequence[Bought], today: date) -> float:
    """How often the marketplace was late with orders whose end is known, the recent ones weighing more."""
    late = known = 0.0
    for order in orders:
        age = (today - order.day).days
        if 0 < age <= SURE_DAYS and order.promised < today and order.delivered and order.delivered < today:
            weight = 0.5 ** (age / SURE_HALF_LIFE_DAYS)
            known += weight
            late += weight * (order.delivered > order.promised)
    return late / known


def promises(orders: Sequence[Bought], first: date, end: date, margin: float = MARGIN) -> Iterator[tuple[Bought, date]]:
    """Each order of the test with the latest day that we promise, in ignorance of all that came later."""
    past = [order.past for order in orders]
    for today, bought_today in groupby(
        (order for order in orders if first <= order.day < end), lambda order: order.day
    ):
        at = datetime(today.year, today.month, today.day)  # noqa: DTZ001 - local, as the recordings are
        model = learn([each for each in past if each.journey.ordered_at < at], at)
        if model is None:
            raise SystemExit(f"promise: too few orders were delivered before {today} to learn from")
        confidence = 1 - margin * budget(orders, today)
        for order in bought_today:
            yield order, max(model.promise(journey, confidence).latest for journey in order.journeys)


def main(folder: Path, first: date = FIRST, end: date = END) -> list[dict[str, Any]]:
    """Print both sides, and what a promise costs."""
    if not folder.is_dir():
        print(f"promise: not measured, there are no recordings in {folder}")
        return []
    orders = bought(read(folder, Window(BEFORE, end)))
    began = time.process_time()
    told = [(order, latest) for order, latest in promises(orders, first, end) if order.delivered]
    seconds = time.process_time() - began
    tested = [order for order, _ in told]
    ours, theirs = Tally.of(tested, [latest for _, latest in told]), Tally.of(tested, [o.promised for o in tested])
    print(
        f"\npromises for {len(tested):,} orders bought from {first} on  {'late':>7} {'promise':>8} {'mean absolute error':>20}"
    )
    for name, tally in (("learned", ours), ("the marketplace's own", theirs)):
        print(
            f"{name:46} {tally.late_rate:7.2%} {tally.mean_promise_days:6.2f} d {tally.mean_absolute_error_days:18.2f} d"
        )
    shorter = theirs.mean_promise_days - ours.mean_promise_days
    verdict = "no later" if ours.late_rate <= theirs.late_rate else "LATER"
    print(
        f"{shorter:.2f} days shorter (at least 2 wanted), {verdict} than the marketplace; {seconds:.0f} s of CPU time"
    )
    row = {"operation": "promise", "orders": len(tested), "shorter_days": round(shorter, 2)}
    return [row | {"late": ours.late_rate, "late_theirs": theirs.late_rate}]
