"""Returns: what may come back and until when, as a decision table; where each unit goes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import returns
from domain.returns import BUCKET_OF, OPEN, RETURN, Disposition, LineHistory, NotReturnableReason, ReturnStatus
from domain.stock import Bucket

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

# Part of a kit or not, delivered, returned, in open returns, days since delivery, window in days; then the quantity and the reason.
CASES = """
kit   2  0  0  1   30  0  PART_OF_A_KIT
kit   0  0  0  -   30  0  PART_OF_A_KIT
alone 0  0  0  -   30  0  NOT_DELIVERED
alone 0  0  0  -   -   0  NOT_DELIVERED
alone 2  2  0  1   30  0  ALREADY_RETURNED
alone 2  1  1  1   30  0  ALREADY_RETURNED
alone 2  0  2  1   30  0  ALREADY_RETURNED
alone 2  2  0  99  30  0  ALREADY_RETURNED
alone 2  0  0  31  30  0  WINDOW_CLOSED
alone 2  1  0  31  30  0  WINDOW_CLOSED
alone 2  0  0  1   0   0  WINDOW_CLOSED
alone 2  0  0  0   0   2  -
alone 2  0  0  30  30  2  -
alone 2  0  0  1   30  2  -
alone 2  1  0  1   30  1  -
alone 2  0  1  1   30  1  -
alone 2  0  0  999 -   2  -
alone 2  0  0  -   30  2  -
"""


def number(text: str) -> int | None:
    """A number, or None for a dash."""
    return None if text == "-" else int(text)


@pytest.mark.parametrize("case", CASES.strip().splitlines())
def test_returnability_says_how_many_or_why_none(case: str) -> None:
    sold, delivered, returned, announced, days_ago, window_days, quantity, reason = case.split()
    age = number(days_ago)
    delivered_at = None if age is None else NOW - timedelta(days=age)
    line = LineHistory(int(delivered), int(returned), int(announced), delivered_at, is_part=sold == "kit")

    answer = returns.returnability(line, window_days=number(window_days), now=NOW)

    assert answer.quantity == int(quantity)
    assert answer.reason == (None if reason == "-" else reason)
    assert answer.returnable == (answer.reason is None)


def test_every_reason_is_in_the_table_in_its_order_of_precedence() -> None:
    reasons = [case.split()[-1] for case in CASES.strip().splitlines()]

    assert list(dict.fromkeys(reasons)) == [*NotReturnableReason, "-"]


def test_the_deadline_is_told_even_after_it_has_passed() -> None:
    line = LineHistory(delivered=1, returned=0, in_open_returns=0, delivered_at=NOW - timedelta(days=40))

    answer = returns.returnability(line, window_days=30, now=NOW)

    assert answer.deadline == NOW - timedelta(days=10)


def test_the_window_closes_after_its_last_moment() -> None:
    line = LineHistory(delivered=1, returned=0, in_open_returns=0, delivered_at=NOW - timedelta(days=30))

    assert returns.returnability(line, window_days=30, now=NOW).returnable
    assert not returns.returnability(line, window_days=30, now=NOW + timedelta(microseconds=1)).returnable


@given(delivered=st.integers(0, 9), returned=st.integers(0, 9), announced=st.integers(0, 9), age=st.integers(0, 60))
def test_never_more_comes_back_than_was_delivered(delivered: int, returned: int, announced: int, age: int) -> None:
    line = LineHistory(delivered, returned, announced, NOW - timedelta(days=age))

    quantity = returns.returnability(line, window_days=30, now=NOW).quantity

    assert 0 <= quantity <= max(0, delivered - returned - announced)


@pytest.mark.parametrize(
    ("disposition", "bucket"),
    [
        (Disposition.RESTOCK, Bucket.AVAILABLE),
        (Disposition.REFURBISH, Bucket.QUALITY_CONTROL),
        (Disposition.QUARANTINE, Bucket.QUALITY_CONTROL),
        (Disposition.RETURN_TO_VENDOR, Bucket.QUALITY_CONTROL),
        (Disposition.DAMAGED, Bucket.DAMAGED),
        (Disposition.DISPOSE, None),
        (Disposition.MISSING, None),
    ],
)
def test_a_disposition_decides_the_bucket(disposition: Disposition, bucket: Bucket | None) -> None:
    assert BUCKET_OF[disposition] is bucket


def test_every_disposition_has_a_bucket_or_is_outside() -> None:
    assert set(BUCKET_OF) == set(Disposition)


def test_a_return_is_open_until_nothing_more_is_awaited() -> None:
    assert OPEN == (
        ReturnStatus.REQUESTED,
        ReturnStatus.APPROVED,
        ReturnStatus.IN_TRANSIT,
        ReturnStatus.PARTIALLY_RECEIVED,
    )
    assert not set(OPEN) & set(RETURN.terminal)
