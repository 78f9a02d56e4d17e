"""Ask many documents, count what became of them, and tell of each difference by its smallest document."""

import json
from collections.abc import Iterable
from random import Random

from tests.fuzz.draw import Drawing
from tests.fuzz.generate import generated
from tests.fuzz.judge import Found, Tally, Verdict, judged
from tests.fuzz.shrink import smallest
from tests.fuzz.tree import Tree
from tests.fuzz.values import Values, values_of
from tests.fuzz.vary import ASKINGS, varied
from tests.referee import ROLES, Referee

ENOUGH = 3
"""Differences after which no more is asked: to make each small takes its time, and they are often the same."""

AGAIN = 40
"""How many of a hundred documents are asked again, with other values."""


def drawn(seed: int, number: int, values: Values) -> tuple[Tree, str]:
    """The document of that number in the run of that seed, and who asks it."""
    random = Random(f"{seed}/{number}")
    return varied(Drawing(random, values).tree(), random, values), ROLES[number % len(ROLES)]


async def ask_all(referee: Referee, documents: Iterable[tuple[int, Tree, str]], name: str) -> Tally:
    """Ask each document, which has a number, as the role that goes with it."""
    tally = Tally()
    for number, tree, role in documents:
        found: list[Found] = []
        for asking in range(ASKINGS if number % 100 < AGAIN else 1):
            found.append(await judged(referee, tree, asking, role))
            if found[-1].verdict is Verdict.DIFFERENT:
                tally.differences.append(await told(referee, tree, asking, role, f"{name}, number {number}"))
                break
        tally.count(found)
        if len(tally.differences) >= ENOUGH:
            break
    return tally


async def ask_generated(referee: Referee, documents: int, role: str) -> Tally:
    """Ask as many documents of hypothesis-graphql's as one role."""
    values = await values_of(referee)
    numbered = ((number, tree, role) for number, tree in enumerate(generated(documents, values)))
    return await ask_all(referee, numbered, "generated")


async def told(referee: Referee, tree: Tree, asking: int, role: str, name: str) -> str:
    """A difference for people: the smallest document found, its variables, who asks, and both answers."""

    async def fails(candidate: Tree) -> bool:
        return (await judged(referee, candidate, asking, role)).verdict is Verdict.DIFFERENT

    small = await smallest(tree, fails)
    if not await fails(small):
        small = tree
    found = await judged(referee, small, asking, role)
    variables = json.dumps(small.given(asking), ensure_ascii=False)
    return f"── {name}, asked by {role} ──\n{small}\nvariables: {variables}\n{found.told[:2_000]}"
