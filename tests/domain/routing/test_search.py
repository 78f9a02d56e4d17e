"""The search against brute force: every set of ways, every way to fill it, on thousands of small problems."""

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from math import inf
from random import Random

import pytest

from domain.routing.problem import Item, Limits, Option, Plan
from domain.routing.search import cheapest

Taken = tuple[int, ...]
"""Units of one item by option of a set."""


def brute_force(items: Sequence[Item], options: Sequence[Option], limits: Limits) -> float:
    """The least cost of all legal plans."""
    best = sum(item.units * item.unfilled for item in items)
    for size in range(1, limits.most_parcels + 1):
        for chosen in combinations(options, size):
            if len({option.place for option in chosen}) == size:
                for takes in product(*[_takes(index, item, chosen) for index, item in enumerate(items)]):
                    best = min(best, _cost(takes, items, chosen, limits))
    return best


def _takes(index: int, item: Item, chosen: Sequence[Option]) -> Iterator[Taken]:
    """How units of an item may be spread over a set; nothing ships that costs more than leaving it out."""
    worthwhile = [option.units[index] if option.costs[index] < item.unfilled else 0 for option in chosen]
    for take in product(*[range(units + 1) for units in worthwhile]):
        if sum(take) <= item.units and (not item.whole or (max(take) == sum(take) and sum(take) in {0, item.units})):
            yield take


def _cost(takes: Sequence[Taken], items: Sequence[Item], chosen: Sequence[Option], limits: Limits) -> float:
    """What a plan costs; without end where it is not legal."""
    cost = limits.split * (len(chosen) - 1)
    for number, option in enumerate(chosen):
        parcel = [take[number] for take in takes]
        complete = parcel == [item.units for item in items]
        if not any(parcel) or not _legal(parcel, items, option, limits, complete=complete):
            return inf
        cost += option.fixed + sum(units * each for units, each in zip(parcel, option.costs, strict=True))
    return cost + sum((item.units - sum(take)) * item.unfilled for item, take in zip(items, takes, strict=True))


def _legal(parcel: Sequence[int], items: Sequence[Item], option: Option, limits: Limits, *, complete: bool) -> bool:
    pairs = list(zip(parcel, items, strict=True))
    return (
        sum(units * item.grams for units, item in pairs) <= option.most_grams
        and (complete or sum(units * item.value for units, item in pairs) >= option.least_value)
        and all(
            sum(units for units, item in pairs if item.shelf == shelf) <= has[option.place]
            for shelf, has in limits.shelves.items()
        )
    )


def problem(random: Random) -> tuple[list[Item], list[Option], Limits]:
    """A small order over a few places with one or two services each, half of them with limits that tie items together."""
    count, places = random.randint(1, 3), random.randint(1, 5)
    whole, tied = random.random() < 0.4, random.random() < 0.5
    unfilled = random.choice([8.0, 30.0, 1000.0])
    shared = tied and whole and count > 1 and random.random() < 0.5
    items = [
        Item(
            random.randint(1, 3 if count < 3 else 2),
            unfilled,
            whole,
            random.randint(1, 4) if tied else 0,
            random.randint(1, 5) if tied else 0,
            0 if shared and index < 2 else None,
        )
        for index in range(count)
    ]
    options, shelf = [], {}
    for place in range(places):
        stock = [random.choice([0, 0, 1, 2, 3]) for _ in items]
        if shared:
            stock[1] = shelf[place] = stock[0]
        units = [
            min(has, item.units) if has >= item.units or not whole else 0
            for has, item in zip(stock, items, strict=True)
        ]
        for _ in range(random.randint(1, 2)):
            costs = [round(random.uniform(-1, 8), 1) for _ in items]
            most = random.choice([inf, 4, 7]) if tied else inf
            least = random.choice([0, 0, 3, 6]) if tied else 0
            options.append(Option(place, round(random.uniform(0, 12), 1), units, costs, most, least))
    limits = Limits(random.randint(1, min(3, places)), random.choice([0.0, 3.0]), {0: shelf} if shared else {})
    return items, options[:7], limits


def paid(plan: Plan, items: Sequence[Item], options: Sequence[Option], limits: Limits) -> float:
    """What a plan's own units cost, if they are legal."""
    chosen = [options[index] for index in plan.takes]
    if not chosen:
        return sum(item.units * item.unfilled for item in items)
    return _cost(list(zip(*plan.takes.values(), strict=True)), items, chosen, limits)


@pytest.mark.parametrize("seed", range(8))
def test_no_legal_plan_is_cheaper(seed: int) -> None:
    random = Random(seed)
    for _ in range(500):
        items, options, limits = problem(random)

        plan = cheapest(items, options, limits, effort=10**9)

        least = brute_force(items, options, limits)
        assert plan.exact
        assert plan.total == pytest.approx(least)
        assert paid(plan, items, options, limits) == pytest.approx(least)
        assert len(plan.takes) <= limits.most_parcels


def test_a_search_that_stops_early_has_a_legal_plan_and_a_true_bound() -> None:
    random = Random(99)
    stopped = 0
    for _ in range(1500):
        items, options, limits = problem(random)

        plan = cheapest(items, options, limits, effort=random.randint(0, 40))

        least = brute_force(items, options, limits)
        assert plan.bound <= least + 1e-6
        assert plan.total >= least - 1e-6
        assert paid(plan, items, options, limits) == pytest.approx(plan.total)
        stopped += not plan.exact
    assert stopped > 50


def test_units_that_nobody_has_count_in_the_bound_of_a_search_that_stopped() -> None:
    options = [Option(place, 5.0, [6], [1.0 + place / 7]) for place in range(4)]

    plan = cheapest([Item(50, 1000.0)], options, Limits(50), effort=0)

    assert plan.bound > 26 * 1000.0


def test_a_parcel_that_cannot_be_worth_what_is_asked_of_it_does_not_ship() -> None:
    dear, cheap = Option(0, 1.0, [1, 1], [1.0, 1.0], least_value=9), Option(1, 5.0, [1, 1], [1.0, 1.0])
    items = [Item(1, 100.0, value=4), Item(1, 100.0, value=4)]

    assert cheapest(items, [dear, cheap], Limits(2)).takes == {0: [1, 1]}
    assert cheapest(items, [Option(0, 1.0, [1, 0], [1.0, 1.0], least_value=9), cheap], Limits(2)).takes == {1: [1, 1]}
