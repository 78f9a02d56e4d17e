"""Money: whole minor units and their currency. Sums of parts equal wholes, and division says how it rounds."""

from __future__ import annotations  # see refusals: the two modules know each other

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain import refusals

WITHOUT_MINOR_UNIT = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
WITH_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
WITH_FOUR_DIGITS = "CLF UYW"

EXPONENTS: dict[str, int] = {
    **dict.fromkeys(WITHOUT_MINOR_UNIT.split(), 0),
    **dict.fromkeys(WITH_THREE_DIGITS.split(), 3),
    **dict.fromkeys(WITH_FOUR_DIGITS.split(), 4),
}
"""Digits after the point by ISO 4217, where they are not 2."""

LARGEST_MINOR = 10**15
"""Far above any order, and sums of a thousand of it still fit PostgreSQL's bigint and JSON readers' 2^63."""

CURRENCY = re.compile(r"[A-Z]{3}")
DECIMAL = re.compile(r"(?P<sign>-?)(?P<whole>[0-9]+)(?:\.(?P<fraction>[0-9]+))?")


def exponent(currency: str) -> int:
    """How many digits `currency` has after the point."""
    return EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount. Mixing currencies is the programmer's mistake, so it is a ValueError and no refusal."""

    minor: int
    currency: str

    @property
    def amount(self) -> str:
        """The decimal as people write it, with exactly the currency's digits: "12.30", "1200" in JPY."""
        digits = exponent(self.currency)
        if not digits:
            return str(self.minor)
        whole, fraction = divmod(abs(self.minor), 10**digits)
        return f"{'-' if self.minor < 0 else ''}{whole}.{fraction:0{digits}}"

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __mul__(self, quantity: int) -> Money:
        return Money(self.minor * quantity, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def split(self, into: int | Sequence[int]) -> tuple[Money, ...]:
        """Parts that sum to the whole: equal ones, or in proportion to weights.

        Rounded by the largest remainder: every part is first rounded toward zero, then the minor units left over
        go one each to the parts that lost most, the earlier one where two lost the same.
        """
        weights = [1] * into if isinstance(into, int) else list(into)
        sign = -1 if self.minor < 0 else 1
        return tuple(Money(sign * part, self.currency) for part in largest_remainder(abs(self.minor), weights))

    def _same(self, other: Money) -> int:
        """The other's minor units, once it is sure that they mean the same."""
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")
        return other.minor


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """`total` (not negative) shared out by `weights`: each share is at most one off its exact part."""
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights are not negative and their sum is positive")
    shares = [total * weight // whole for weight in weights]
    by_loss = sorted(range(len(weights)), key=lambda index: -(total * weights[index] % whole))
    for index in by_loss[: total - sum(shares)]:
        shares[index] += 1
    return shares


def parse(text: str, currency: str) -> Money:
    """What a caller wrote, to the last digit, or InvalidInput. Nothing is ever rounded on the way in."""
    if not CURRENCY.fullmatch(currency):
        raise refusals.InvalidInput("a currency is three capital letters, like BRL", field=("currency",))
    decimal = DECIMAL.fullmatch(text)
    if decimal is None:
        raise refusals.InvalidInput("an amount is a plain decimal, like -12.30", field=("amount",))
    digits, fraction = exponent(currency), decimal["fraction"] or ""
    if len(fraction) > digits:
        raise refusals.InvalidInput(f"{currency} has {digits} digits after the point", field=("amount",))
    minor = _minor(decimal["whole"].lstrip("0") + fraction.ljust(digits, "0"))
    return Money(-minor if decimal["sign"] else minor, currency)


def _minor(digits: str) -> int:
    """Length first: turning a very long text into an int costs the square of its length."""
    if len(digits) > len(str(LARGEST_MINOR)) or int(digits or "0") > LARGEST_MINOR:
        raise refusals.InvalidInput("the amount is too large", field=("amount",))
    return int(digits or "0")
