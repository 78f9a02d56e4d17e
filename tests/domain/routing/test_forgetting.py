"""How long old orders are believed: as long as they foretell the new ones."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from domain.routing.forgetting import MEMORIES, ages, best_memory
from domain.routing.model import DemandLine
from domain.routing.network import Destination, Request

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def orders(days: int, variant_on: Callable[[Random, int], int], a_day: int = 60) -> list[Request]:
    """So many orders a day of one line each."""
    random = Random(5)
    return [
        Request(
            (DemandLine(UUID(int=0), "S", UUID(int=variant_on(random, day)), 1),), Destination(), BEGIN + timedelta(day)
        )
        for day in range(days)
        for _ in range(a_day)
    ]


def test_nothing_is_forgotten_while_customers_want_what_they_always_wanted() -> None:
    assert best_memory(orders(28, lambda random, _: min(random.randrange(20), random.randrange(20)))) >= 0.97


def test_old_orders_are_forgotten_once_customers_want_something_else() -> None:
    changed = orders(28, lambda random, day: random.randrange(10) + (10 if day >= 23 else 0))

    assert best_memory(changed) == min(MEMORIES)


@pytest.mark.parametrize("days", [1, 2])
def test_a_shop_of_a_day_or_two_forgets_nothing(days: int) -> None:
    assert best_memory(orders(days, lambda random, _: random.randrange(3))) == 1.0


def test_orders_are_as_old_as_whole_days_before_the_last() -> None:
    past = orders(3, lambda *_: 1, a_day=1)

    assert ages(past) == [2, 1, 0]
