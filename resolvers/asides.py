"""What a process beside this one does (`app.aside`): each task reads the database for itself, and answers in JSON.

Such a process begins for every question, so this imports what routing needs and nothing of what answers requests.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from domain.promises import learn
from domain.routing.network import Network, Prices, Request, Ruleset, Snapshot
from domain.routing.router import route
from domain.routing.simulation import Comparison, Figures, Walk, assignment
from domain.rulesets import under
from domain.sourcing import parcels_ahead, stated
from domain.store import past_orders, promises, scarcity, shadows, simulations
from domain.store.network import load, store_prices
from domain.store.past_orders import Window
from domain.store.rulesets import ruleset_of
from domain.store.shadows import Answer, Question

Rules = dict[str, Any]
"""A ruleset as it is kept."""

CHUNK = 250
"""Orders that are read at once."""
FIRST = datetime(1, 1, 2, tzinfo=UTC), UUID(int=0)


# -- what if -----------------------------------------------------------------------------------------------------------


async def simulate(
    connection: Any, channel_id: str, placed_from: str, placed_to: str, ruleset: Rules
) -> dict[str, Any]:
    """Route past orders by both sets of rules, in one snapshot of the database."""
    window = Window(UUID(channel_id), datetime.fromisoformat(placed_from), datetime.fromisoformat(placed_to))
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        comparison = await _begun(connection, window, *await _networks(connection, window, ruleset))
        after = FIRST
        while orders := await past_orders.some(connection, window, after, CHUNK):
            comparison.go_on(orders)
            after = orders[-1].request.at, orders[-1].id
    return comparison.told()


async def _networks(connection: Any, window: Window, rules: Rules) -> tuple[Network, Network]:
    """The channel's network, with the holidays of then, by the rules that decide today, and by the others."""
    network = await load(connection, window.channel_id, await past_orders.years(connection, window))
    return network, under(network, ruleset_of({**rules, "id": UUID(int=0)}))


async def _begun(connection: Any, window: Window, network: Network, proposed: Network) -> Comparison:
    stock = await past_orders.available_before(connection, window)
    return Comparison(Walk(network, stock), Walk(proposed, stock))


SAVE_SECONDS = 10.0
"""How much work may be lost with a worker that is killed."""


async def go_on_simulating(connection: Any, id: str, save_seconds: float = SAVE_SECONDS) -> None:
    """Go on with a simulation from where it stands, to its end."""
    key = UUID(id)
    found = await simulations.unfinished(connection, key)
    if found is None:
        return
    network, proposed = await _networks(connection, found.window, found.ruleset)
    if found.state is not None and found.state["network"] == network.version:
        comparison = Comparison.load(network, proposed, found.state)
        after = datetime.fromisoformat(found.state["after"][0]), UUID(found.state["after"][1])
    else:  # what was walked through another network is no part of this comparison
        comparison, after = await _begun(connection, found.window, network, proposed), FIRST
    saved = monotonic()
    while orders := await past_orders.some(connection, found.window, after, CHUNK):
        comparison.go_on(orders)
        after = orders[-1].request.at, orders[-1].id
        state = None
        if monotonic() - saved >= save_seconds:
            state = {**comparison.dump(), "network": network.version, "after": [after[0].isoformat(), str(after[1])]}
        await simulations.advance(connection, key, comparison.orders, state)
        saved = saved if state is None else monotonic()
    await simulations.finish(connection, key, comparison.told())


# -- rules in shadow ---------------------------------------------------------------------------------------------------


SHADOWS = 100
"""Decisions that are asked about at once."""


async def decide_in_shadow(connection: Any) -> int:
    """Decide everything again that waits for its shadow; how many decisions that were."""
    networks: dict[UUID, Network] = {}
    rulesets: dict[UUID, Ruleset] = {}
    decided = 0
    while asked := await shadows.questions(connection, SHADOWS):
        for question in asked:
            if question.channel_id not in networks:
                networks[question.channel_id] = await load(connection, question.channel_id)
            if question.ruleset_id not in rulesets:
                rulesets[question.ruleset_id] = await shadows.ruleset(connection, question.ruleset_id)
        answers = [_answer(each, under(networks[each.channel_id], rulesets[each.ruleset_id])) for each in asked]
        await shadows.keep(connection, answers)
        decided += len(answers)
    return decided


def _answer(question: Question, network: Network) -> Answer:
    ahead = parcels_ahead(network, question.days, question.request.at)
    decision = stated(route(question.request, network, Snapshot(question.stock, ahead)), network)
    live, shadow = Figures(), Figures()
    live.count(question.live, question.promise)
    shadow.count(decision, question.promise)
    changed = assignment(question.live) != assignment(decision)
    return Answer(question, decision, changed, live, shadow)


# -- promises ----------------------------------------------------------------------------------------------------------


async def learn_promises(connection: Any, channel: str | None = None) -> list[dict[str, Any]]:
    """Learn from a channel's past, or from each one's, how long parcels take. What is too little leaves things as they are."""
    answers = []
    for channel_id, code, time_zone in await promises.channels(connection, channel):
        at = datetime.now(UTC)
        past = await promises.past(connection, channel_id, time_zone, at)
        model = learn(past, at)
        delivered = sum(each.delivered is not None for each in past)
        if model is not None:
            await promises.keep(connection, channel_id, model)
        answers.append({"channel": code, "learned": model is not None, "delivered": delivered})
    return answers


# -- prices ------------------------------------------------------------------------------------------------------------

HISTORY = timedelta(days=28)
HORIZON_DAYS = 14.0
"""For so long the stock of today should last: by then more has usually come, and prices are solved anew every night."""
LEAST_ORDERS = 100
"""Fewer orders than that say little about coming ones."""


async def solve_prices(connection: Any, channel: str | None = None) -> list[dict[str, Any]]:
    """Price what is scarce in a channel, or in each one. Where that cannot be told, nothing has a price any more."""
    answers = []
    for channel_id, code in await scarcity.channels(connection, channel):
        network = await load(connection, channel_id)
        past = await _past(connection, channel_id, datetime.now(UTC))
        reason = _too_little(network, past)
        found = Prices() if reason else await _solved(connection, channel_id, network, past)
        if found.stock or found.capacity or await scarcity.is_priced(connection, channel_id):
            async with connection.transaction():
                await store_prices(connection, channel_id, found)
        told = {"levels": sum(map(bool, found.stock.values())), "locations": sum(map(bool, found.capacity.values()))}
        answers.append({"channel": code, "orders": len(past), "reason": reason, **told})
    return answers


async def _past(connection: Any, channel_id: UUID, now: datetime) -> list[Request]:
    window = Window(channel_id, now - HISTORY, now)
    past: list[Request] = []
    after = FIRST
    while orders := await past_orders.some(connection, window, after, CHUNK):
        past += [order.request for order in orders]
        after = orders[-1].request.at, orders[-1].id
    return past


def _too_little(network: Network, past: list[Request]) -> str | None:
    """Why there is nothing to be priced."""
    if not network.live.weights.stock:
        return "the rules give prices of stock no weight"
    if len(past) < LEAST_ORDERS:
        return f"too few in {HISTORY.days} days, at least {LEAST_ORDERS} are needed"
    return None


async def _solved(connection: Any, channel_id: UUID, network: Network, past: list[Request]) -> Prices:
    from domain.routing.prices import prices  # noqa: PLC0415 - the solver takes a moment, and other tasks need none

    variants = {line.variant_id for request in past for line in request.lines}
    snapshot = Snapshot(await scarcity.stock_of(connection, channel_id, variants))
    return prices(past, network, snapshot, HORIZON_DAYS)


TASKS: dict[str, Callable[..., Awaitable[Any]]] = {
    task.__name__: task for task in (simulate, go_on_simulating, decide_in_shadow, learn_promises, solve_prices)
}
"""What can be asked: a function of a connection and of what is given."""
