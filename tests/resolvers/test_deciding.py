"""Decisions that take long, beside the event loop."""

import asyncio
from uuid import UUID

import pytest

from domain.placing import Catalog, Offer
from domain.routing.model import Decision, Strategy
from domain.routing.problem import TakesLong
from domain.routing.router import route
from resolvers.deciding import patiently
from tests.domain.routing.hard import KINDS, hard


def offered(kind: str, lines: int = 6, locations: int = 40) -> tuple[Catalog, tuple[object, ...]]:
    """What a hard order is decided on."""
    request, network, snapshot = hard(KINDS[kind], 3, lines, locations)
    catalog = Catalog(UUID(int=1), "BRL", "1", None, dict[str, Offer](), network, request.at)
    return catalog, (request, snapshot)


async def decided(kind: str, lines: int = 6, locations: int = 40) -> tuple[Decision, int]:
    """The decision, and how often others had their turn meanwhile."""
    catalog, (request, snapshot) = offered(kind, lines, locations)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    decision = await patiently(
        lambda each: route(request, each.network, snapshot, hurried=not each.is_patient),  # type: ignore[arg-type]
        catalog,
    )
    counting.cancel()
    return decision, turns


async def test_others_have_their_turn_while_a_hard_order_is_decided() -> None:
    decision, turns = await decided("thin")

    assert decision.strategy is Strategy.LEAST_COST
    assert turns > 0


async def test_what_people_buy_is_decided_at_once() -> None:
    decision, turns = await decided("usual", 3, 12)

    assert decision.strategy is Strategy.LEAST_COST
    assert turns == 0


async def test_a_hurried_decision_is_the_same_or_none() -> None:
    for kind in KINDS:
        for seed in range(4):
            question = hard(KINDS[kind], seed, 4, 12)
            try:
                hurried = route(*question, hurried=True)
            except TakesLong:
                continue
            assert hurried == route(*question)


async def test_a_refusal_comes_back_from_the_thread() -> None:
    catalog, _ = offered("usual")

    def refuse(each: Catalog) -> Decision:
        raise ValueError("no") if each.is_patient else TakesLong

    with pytest.raises(ValueError, match="no"):
        await patiently(refuse, catalog)
