"""Money: exact in, exact out; mixed currencies never add up; parts sum to wholes."""

import operator
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import LARGEST_MINOR, Money, exponent, largest_remainder, parse
from domain.refusals import InvalidInput

WRITTEN = """
12.30              BRL   1230
12.3               BRL   1230
12                 BRL   1200
0                  BRL   0
-0.00              BRL   0
-12.30             BRL   -1230
0012.30            BRL   1230
0.01               BRL   1
1200               JPY   1200
1.234              KWD   1234
1.5                KWD   1500
1.2345             CLF   12345
10000000000000.00  BRL   1000000000000000
1000000000000000   JPY   1000000000000000
12.345             BRL   malformed
12.300             BRL   malformed
1200.0             JPY   malformed
1.2345             KWD   malformed
10000000000000.01  BRL   malformed
1000000000000001   JPY   malformed
-10000000000000.01 BRL   malformed
1e3                BRL   malformed
1E3                BRL   malformed
NaN                BRL   malformed
Infinity           BRL   malformed
+1.00              BRL   malformed
--1.00             BRL   malformed
1,000.00           BRL   malformed
1_000              BRL   malformed
.5                 BRL   malformed
5.                 BRL   malformed
0x10               BRL   malformed
١٢                 BRL   malformed
1.00               brl   malformed
1.00               REAL  malformed
1.00               R$    malformed
"""


@pytest.mark.parametrize("case", WRITTEN.strip().splitlines())
def test_an_amount_is_read_to_the_last_digit_or_refused(case: str) -> None:
    text, currency, expected = case.split()

    if expected == "malformed":
        with pytest.raises(InvalidInput):
            parse(text, currency)
    else:
        assert parse(text, currency) == Money(int(expected), currency)


@pytest.mark.parametrize("text", ["", " ", " 1.00", "1.00 ", "1.00\n", "1 000", "9" * 5000, "-" + "9" * 5000])
def test_blanks_and_endless_amounts_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse(text, "BRL")


def test_a_refusal_says_which_part_is_at_fault() -> None:
    with pytest.raises(InvalidInput) as currency:
        parse("1.00", "brl")
    with pytest.raises(InvalidInput) as amount:
        parse("1.001", "BRL")

    assert currency.value.field == ("currency",)
    assert amount.value.field == ("amount",)


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (1230, "BRL", "12.30"),
        (5, "BRL", "0.05"),
        (0, "BRL", "0.00"),
        (-5, "BRL", "-0.05"),
        (-1230, "BRL", "-12.30"),
        (1200, "JPY", "1200"),
        (-7, "JPY", "-7"),
        (1234, "KWD", "1.234"),
        (1, "CLF", "0.0001"),
    ],
)
def test_an_amount_is_written_with_exactly_the_currencys_digits(minor: int, currency: str, amount: str) -> None:
    assert Money(minor, currency).amount == amount
    assert str(Money(minor, currency)) == f"{amount} {currency}"


@given(
    minor=st.integers(-LARGEST_MINOR, LARGEST_MINOR),
    currency=st.sampled_from(["BRL", "JPY", "KWD", "CLF", "EUR", "XOF"]),
)
def test_what_was_written_is_read_as_it_was(minor: int, currency: str) -> None:
    money = Money(minor, currency)

    assert parse(money.amount, currency) == money


@pytest.mark.parametrize(
    ("currency", "digits"), [("JPY", 0), ("XOF", 0), ("BRL", 2), ("USD", 2), ("BHD", 3), ("TND", 3), ("CLF", 4)]
)
def test_a_currency_has_the_digits_of_iso_4217(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


def test_amounts_of_one_currency_add_subtract_multiply_and_compare() -> None:
    ten, three = Money(1000, "BRL"), Money(300, "BRL")

    assert ten + three == Money(1300, "BRL")
    assert three - ten == Money(-700, "BRL")
    assert three * 4 == Money(1200, "BRL")
    assert -ten == Money(-1000, "BRL")
    assert three < ten
    assert ten > three
    assert three <= three  # noqa: PLR0124 (the equal case is the point)
    assert ten >= ten  # noqa: PLR0124 (the same)


def test_zero_of_one_currency_is_not_zero_of_another() -> None:
    assert Money(0, "BRL") != Money(0, "USD")


@pytest.mark.parametrize("act", [operator.add, operator.sub, operator.lt, operator.le, operator.gt, operator.ge])
def test_mixing_currencies_is_a_bug_and_no_refusal(act: Callable[[Money, Money], object]) -> None:
    with pytest.raises(ValueError, match="BRL and USD do not mix"):
        act(Money(1, "BRL"), Money(1, "USD"))


@pytest.mark.parametrize(
    ("minor", "into", "parts"),
    [
        (100, 3, [34, 33, 33]),
        (-100, 3, [-34, -33, -33]),
        (2, 3, [1, 1, 0]),
        (0, 3, [0, 0, 0]),
        (100, [1, 1], [50, 50]),
        (100, [1, 2], [33, 67]),
        (101, [50, 50, 1], [50, 50, 1]),
        (10, [0, 1, 0], [0, 10, 0]),
        (7, [3, 3, 3], [3, 2, 2]),
    ],
)
def test_a_split_gives_the_remainder_to_whoever_lost_most_and_then_to_the_first(
    minor: int, into: int | list[int], parts: list[int]
) -> None:
    assert [part.minor for part in Money(minor, "BRL").split(into)] == parts


weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=50).filter(any)


@given(minor=st.integers(-LARGEST_MINOR, LARGEST_MINOR), weights=weights)
def test_the_parts_of_a_split_sum_to_the_whole(minor: int, weights: list[int]) -> None:
    parts = Money(minor, "BRL").split(weights)

    assert sum(part.minor for part in parts) == minor
    assert {part.currency for part in parts} == {"BRL"}


@given(total=st.integers(0, LARGEST_MINOR), weights=weights)
def test_a_share_is_less_than_one_unit_off_its_exact_part(total: int, weights: list[int]) -> None:
    whole = sum(weights)

    for share, weight in zip(largest_remainder(total, weights), weights, strict=True):
        assert abs(share * whole - total * weight) < whole


@given(minor=st.integers(-LARGEST_MINOR, LARGEST_MINOR), into=st.integers(1, 100))
def test_equal_parts_differ_by_one_unit_at_most(minor: int, into: int) -> None:
    parts = [part.minor for part in Money(minor, "BRL").split(into)]

    assert len(parts) == into
    assert max(parts) - min(parts) <= 1


@pytest.mark.parametrize("into", [0, -1, [], [0, 0], [2, -1]])
def test_a_split_into_nothing_is_a_bug(into: int | list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Money(100, "BRL").split(into)
