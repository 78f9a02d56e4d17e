"""Orders of six goods from forty places, where shelves are thin: judged by a solver of integer programmes."""

from collections.abc import Sequence
from math import inf

import highspy
import pytest

from domain.routing.model import Strategy
from domain.routing.needs import needs_of
from domain.routing.problem import Item, Limits, Option
from domain.routing.router import route
from domain.routing.search import cheapest
from domain.routing.ways import Survey
from domain.routing.weighing import Weighing
from tests.domain.routing.hard import KINDS, hard

PROVED = sorted(KINDS.keys() - {"bound"})


def numbers(kind: str, seed: int, lines: int = 6, locations: int = 40) -> tuple[list[Item], list[Option], Limits]:
    """A hard order as the search sees it."""
    request, network, snapshot = hard(KINDS[kind], seed, lines, locations)
    needs = needs_of(request.lines, split_lines=network.live.split_lines)
    weighing = Weighing(Survey(request, network, snapshot, needs))
    return weighing.items, [weighing.option(way) for way in weighing.ways], weighing.limits


def solved(items: Sequence[Item], options: Sequence[Option], limits: Limits) -> float:
    """What the cheapest plan costs, by HiGHS. A parcel that is the whole order may be worth less than is asked."""
    model = highspy.Highs()  # type: ignore[no-untyped-call]
    model.setOptionValue("output_flag", False)
    model.setOptionValue("mip_rel_gap", 1e-7)
    used = [model.addBinary(option.fixed + limits.split) for option in options]
    alone = [model.addBinary() for _ in options]
    missing = [model.addVariable(0, item.units, item.unfilled) for item in items]
    taken = []
    for option, use, lone in zip(options, used, alone, strict=True):
        takes = []
        for item, units, cost in zip(items, option.units, option.costs, strict=True):
            if item.whole:
                all_ = model.addBinary(cost * item.units)
                model.addConstr(all_ <= use * min(1, units))
                takes.append(item.units * all_)
            else:
                take = model.addIntegral(0, units, cost)
                model.addConstr(take <= units * use)
                takes.append(1 * take)
        if option.most_grams < inf:
            model.addConstr(
                sum(item.grams * take for item, take in zip(items, takes, strict=True)) <= option.most_grams
            )
        worth = sum(item.value * take for item, take in zip(items, takes, strict=True))
        model.addConstr(worth >= option.least_value * use - option.least_value * lone)
        model.addConstr(sum(takes) >= sum(item.units for item in items) * lone)
        model.addConstr(sum(takes) >= use)
        taken.append(takes)
    for item, short, given in zip(items, missing, zip(*taken, strict=True), strict=True):
        model.addConstr(short + sum(given) == item.units)
    for place in {option.place for option in options}:
        model.addConstr(sum(use for use, option in zip(used, options, strict=True) if option.place == place) <= 1)
    model.addConstr(sum(used) <= limits.most_parcels)
    model.run()
    return float(model.getInfo().objective_function_value) - limits.split


@pytest.mark.parametrize("kind", PROVED)
def test_what_shelves_are_too_thin_for_is_as_cheap_as_it_can_be(kind: str) -> None:
    for seed, lines, locations in ((1, 6, 40), (2, 4, 20), (3, 3, 12)):
        problem = numbers(kind, seed, lines, locations)

        plan = cheapest(*problem)

        assert plan.exact
        assert plan.total == pytest.approx(solved(*problem), abs=0.01)


@pytest.mark.parametrize("kind", PROVED)
def test_six_goods_from_forty_places_are_proved(kind: str) -> None:
    for seed in range(100, 115):
        assert route(*hard(KINDS[kind], seed)).strategy is Strategy.LEAST_COST


@pytest.mark.parametrize("seed", range(8))
def test_what_is_not_proved_is_filled_all_the_same_and_its_bound_is_true(seed: int) -> None:
    problem = numbers("bound", seed, 5, 16)

    plan = cheapest(*problem)

    least = solved(*problem)
    assert plan.bound <= least + 0.01
    assert least - 0.01 <= plan.total <= 1.25 * least
