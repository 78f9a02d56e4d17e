"""Payments: what entries sum to, and the status they amount to, as a decision table."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import payments
from domain.orders import PaymentStatus
from domain.payments import EntryStatus, PaymentEntry, PaymentKind, Totals

KINDS = {kind[0]: kind for kind in PaymentKind if kind is not PaymentKind.CHARGEBACK} | {"B": PaymentKind.CHARGEBACK}
STATUSES = {"": EntryStatus.SUCCEEDED, "?": EntryStatus.REQUESTED, "!": EntryStatus.FAILED}


def entry(number: int, text: str) -> PaymentEntry:
    """An entry as `A100` (authorization), `C`, `V`, `R` or `B` (chargeback); `C60<1` belongs to entry 1.

    A question mark says that the answer is outstanding, an exclamation mark that it failed.
    """
    body, _, parent = text.partition("<")
    mark = body[-1] if body[-1] in "?!" else ""
    return PaymentEntry(
        id=UUID(int=number),
        kind=KINDS[body[0]],
        status=STATUSES[mark],
        amount_minor=int(body[1:].rstrip("?!")),
        provider="test",
        parent_id=UUID(int=int(parent)) if parent else None,
    )


def entries(text: str) -> list[PaymentEntry]:
    """Entries joined by a comma, numbered from 1; a dash is none."""
    return [] if text == "-" else [entry(number, part) for number, part in enumerate(text.split(","), start=1)]


# Charges, credits, entries; then the balance and the status. In order of precedence.
CASES = """
100  0    C100,B100                    0     CHARGED_BACK
100  0    C100,R100,B1                 100   CHARGED_BACK
100  0    C120                         -20   OVERPAID
100  30   C100                         -30   OVERPAID
100  100  C100                         -100  OVERPAID
100  100  C100,R60                     -40   OVERPAID
100  30   C100,R30!                    -30   OVERPAID
100  30   C100,R30?                    -30   OVERPAID
100  100  C100,R100                    0     REFUNDED
100  0    C100,R100                    100   REFUNDED
100  0    C60,C40,R60,R40              100   REFUNDED
100  30   C100,R30                     0     PARTIALLY_REFUNDED
100  0    C100,R30                     30    PARTIALLY_REFUNDED
100  0    A100,C100<1                  0     PAID
100  0    C100                         0     PAID
100  0    C100,B100!                   0     PAID
100  0    A120,C100<1                  0     PAID
100  10   C90                          0     PAID
100  0    A100,C60<1                   40    PARTIALLY_PAID
100  0    A100,C60<1,V40<1             40    PARTIALLY_PAID
100  0    C60                          40    PARTIALLY_PAID
100  0    A100                         100   AUTHORIZED
100  0    A100,C100?<1                 100   AUTHORIZED
100  0    A100,C100!<1                 100   AUTHORIZED
100  0    A100,V60<1                   100   AUTHORIZED
100  0    A100,V100<1,A100             100   AUTHORIZED
100  0    A100,V100?<1                 100   AUTHORIZED
100  0    A100,V100<1                  100   VOIDED
100  0    A60,V60<1,A40,V40<3          100   VOIDED
100  100  A100,V100<1                  0     VOIDED
100  0    -                            100   NONE
100  0    A100?                        100   NONE
100  0    A100!                        100   NONE
100  0    C100!                        100   NONE
0    0    -                            0     NONE
"""


@pytest.mark.parametrize("case", CASES.strip().splitlines())
def test_balance_and_status_follow_from_the_entries(case: str) -> None:
    charges, credits_, text, owed, status = case.split()

    assert payments.balance(int(charges), int(credits_), entries(text)) == int(owed)
    assert payments.payment_status(int(charges), int(credits_), entries(text)) == status


def test_the_table_of_cases_follows_the_order_of_precedence_and_leaves_no_status_out() -> None:
    seen = [PaymentStatus(case.split()[-1]) for case in CASES.strip().splitlines()]

    assert list(dict.fromkeys(seen)) == list(PaymentStatus)


def test_totals_count_only_what_succeeded() -> None:
    text = "A100,A50?,A50!,C60<1,C9?<1,V40<1,V1!<1,R20<4,R5?<4,B7<4"

    assert payments.totals(entries(text)) == Totals(100, 40, 60, 20, 7)


def test_an_authorization_is_open_for_what_its_captures_and_voids_left() -> None:
    left = payments.open_authorizations(entries("A100,A50,A30,C60<1,V50<2,C10?<3,C500"))

    assert left == {UUID(int=1): 40, UUID(int=3): 30}


@given(
    charges=st.integers(0, 300),
    credits_=st.integers(0, 300),
    parts=st.lists(st.tuples(st.sampled_from("ACVRB"), st.integers(1, 100), st.sampled_from(["?", "!"])), max_size=8),
)
def test_what_did_not_succeed_counts_for_nothing(
    charges: int, credits_: int, parts: list[tuple[str, int, str]]
) -> None:
    fruitless = [entry(number, f"{kind}{units}{mark}") for number, (kind, units, mark) in enumerate(parts)]

    assert payments.balance(charges, credits_, fruitless) == charges - credits_
    assert payments.payment_status(charges, credits_, fruitless) is PaymentStatus.NONE
