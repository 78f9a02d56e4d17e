"""Orders: statuses derived from quantities, as decision tables."""

from dataclasses import dataclass

import pytest

from domain import orders


@dataclass(frozen=True, slots=True)
class Line:
    """An order line's quantities."""

    ordered: int
    shipped: int
    canceled: int
    delivered: int
    returned: int


def lines(text: str) -> list[Line]:
    """Lines as `ordered/shipped/canceled/delivered/returned`, joined by a plus; a dash is no line at all."""
    return [] if text == "-" else [Line(*map(int, line.split("/"))) for line in text.split("+")]


# Quantities per line: ordered/shipped/canceled/delivered/returned.
FULFILLMENT = """
-                    UNFULFILLED
2/0/0/0/0            UNFULFILLED
2/0/1/0/0            UNFULFILLED
2/0/2/0/0            UNFULFILLED
2/1/0/0/0            PARTIALLY_FULFILLED
2/2/0/0/0+1/0/0/0/0  PARTIALLY_FULFILLED
2/2/0/0/0            FULFILLED
2/1/1/0/0            FULFILLED
2/2/0/2/2            FULFILLED
2/2/0/0/0+1/0/1/0/0  FULFILLED
"""

RETURNS = """
-                    0  NONE
2/2/0/2/0            0  NONE
2/2/0/2/0            1  REQUESTED
2/2/0/2/1            0  PARTIALLY_RETURNED
2/2/0/2/1            1  PARTIALLY_RETURNED
2/2/0/2/2+1/1/0/1/0  0  PARTIALLY_RETURNED
2/1/0/1/1            0  PARTIALLY_RETURNED
2/2/0/2/2            0  RETURNED
2/2/0/2/2            1  RETURNED
2/1/1/1/1            0  RETURNED
"""

ENDS = """
-                    open
2/0/0/0/0            open
2/2/0/0/0            open
2/2/0/1/0            open
2/1/1/0/0            open
2/2/0/2/0+1/0/0/0/0  open
2/2/0/2/0            completed
2/1/1/1/0            completed
2/2/0/2/2            completed
2/2/0/2/0+1/0/1/0/0  completed
2/0/2/0/0            canceled
2/0/2/0/0+1/0/1/0/0  canceled
"""


@pytest.mark.parametrize("case", FULFILLMENT.strip().splitlines())
def test_fulfillment_status_counts_what_left_and_what_was_canceled(case: str) -> None:
    quantities, expected = case.split()

    assert orders.fulfillment_status(lines(quantities)) == expected


@pytest.mark.parametrize("case", RETURNS.strip().splitlines())
def test_return_status_trusts_goods_before_requests(case: str) -> None:
    quantities, open_returns, expected = case.split()

    assert orders.return_status(lines(quantities), open_returns=int(open_returns)) == expected


@pytest.mark.parametrize("case", ENDS.strip().splitlines())
def test_an_order_ends_completed_or_canceled_and_never_both(case: str) -> None:
    quantities, expected = case.split()

    ends = {"completed": orders.completed(lines(quantities)), "canceled": orders.canceled(lines(quantities))}

    assert [end for end, reached in ends.items() if reached] == ([] if expected == "open" else [expected])
