"""A telling in which things go wrong: locations decline work and count anew, and pickers find less than is on record.

What becomes of such an order cannot be compared with the recordings, nor what becomes of others whose goods were counted
away or went to it: they are set aside, and how often what went wrong is said. What must hold all the same is what
`ordergraph verify` proves. An order's mishaps depend on the seed, on the order and on what the API answers.
"""

from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from app.replay import documents
from app.replay.client import Caller
from app.replay.player import (
    Input,
    Player,
    Refused,
    Tally,
    canceling,
    confirming,
    delivering,
    leaving,
    place_input,
)
from app.replay.recordings import Window
from app.replay.setting import orders_of
from app.replay.story import Story

REJECTED = 0.08
SHORT = 0.08
"""How many works of a hundred are declined, and how many lines are found short."""
COUNTED = 0.5
"""How many declined lines that were not found are counted as well."""
COUNTS = (0, 0, 1, 20)
"""What a count may find: less than was thought, or much more."""
SPARE = 0.5
"""For how many goods somebody else has as many, so that there is where to go."""
TRIES = 20
"""How often the work of one order is tried before it is left as it is."""
REASONS = ("NOT_FOUND", "DAMAGED", "NO_CAPACITY", "CLOSED", "OTHER")

Place = tuple[str, str]
"""(seller, product)."""
Work = dict[str, Any]


@dataclass(slots=True)
class Mishaps:
    """What goes wrong, by a seed, and what did."""

    seed: int
    happened: Counter[str] = field(default_factory=Counter)
    touched: set[str] = field(default_factory=set)
    """References of the orders that it happened to."""

    def dice(self, subject: str) -> Random:
        """The dice for one subject."""
        return Random(f"{self.seed}:{subject}")  # noqa: S311 - a story, not a secret

    def spare(self, needed: Mapping[Place, int], sellers: Iterable[str]) -> Counter[Place]:
        """What others have besides: as much as one seller needs, on somebody else's shelf."""
        dice, among = self.dice("spare"), sorted(sellers)
        more: Counter[Place] = Counter()
        for (seller, sku), units in sorted(needed.items()):
            other = dice.choice(among)
            if other != seller and dice.random() < SPARE:
                more[other, sku] += units
        return more

    def note(self, story: Story, what: str, times: int = 1) -> None:
        """Something happened to an order."""
        self.happened[what] += times
        self.touched.add(story.recorded.id)


class UnluckyPlayer(Player):
    """Tells stories in which things go wrong."""

    def __init__(self, caller: Caller, channel: str, tally: Tally, mishaps: Mishaps) -> None:
        super().__init__(caller, channel, tally)
        self.mishaps = mishaps

    async def _tell(self, story: Story) -> None:
        placed = await self._ask(story, documents.PLACE_WITH_LINES, {"place": place_input(story, self.channel)})
        order = placed["place"]["order"]
        if waiting := len(story.recorded.items) - _units(order["fulfillmentOrders"]):
            self.mishaps.note(story, "units that nobody had when they were bought", waiting)
        await self._steps(story, confirming(story, order["id"]))
        if story.confirmed_at:
            await self._work_through(story, order["fulfillmentOrders"], self.mishaps.dice(story.recorded.id))
        await self._steps(story, canceling(story, order["id"]))

    async def finish(self, stories: Iterable[Story], after: Mapping[str, "Aftermath"]) -> None:
        """Do the work that others got, or that came of what was bought and moved meanwhile."""
        for story in stories:
            found = after.get(story.recorded.id)
            if not found or not found.touched or not found.open or not story.handed_over_at:
                continue
            self.mishaps.happened["orders worked on again when goods had come"] += 1
            with suppress(Refused):
                await self._work_through(story, found.open, self.mishaps.dice(f"{story.recorded.id}:late"), "late")

    def _note(self, story: Story, answer: Mapping[str, Any]) -> None:
        if any(error["code"] == "INSUFFICIENT_STOCK" for error in answer.get("place", {}).get("userErrors", ())):
            self.mishaps.note(story, "orders refused for want of goods")
        super()._note(story, answer)

    async def _work_through(self, story: Story, given: list[Work], dice: Random, when: str = "") -> None:
        """Every piece of work, and what comes of it elsewhere."""
        waiting = deque(given)
        for n in range(TRIES):
            if not waiting:
                return
            work = waiting.popleft()
            if dice.random() < REJECTED:
                left, elsewhere = await self._reject(story, work, dice, f"{when}{n}")
            elif story.handed_over_at:
                left, elsewhere = [], await self._fulfill(story, work, dice, f"{when}{n}")
            else:
                continue
            self.mishaps.happened["works that others got instead"] += len(elsewhere)
            waiting += [*left, *elsewhere]

    # -- declined --------------------------------------------------------------------------------------------------

    async def _reject(self, story: Story, work: Work, dice: Random, name: str) -> tuple[list[Work], list[Work]]:
        """Decline work or a part of it; what is left of it, and what others got."""
        at = {"id": work["id"], "occurredAt": story.handed_over_at or story.confirmed_at}
        if dice.random() < 0.5:
            done = await self._step(story, "reject", name, {**at, "reason": dice.choice(REASONS)})
            self.mishaps.note(story, "works declined whole")
            return [], done["rerouted"]
        some, count = dice.sample(work["lines"], dice.randint(1, len(work["lines"]))), dice.choice(COUNTS)
        lines = [self._declined(line, count, dice) for line in some]  # two of one shelf say the same
        done = await self._declining(story, name, {**at, "lines": lines})
        self.mishaps.note(story, "works declined by the line")
        return _left(work, lines), done["rerouted"]

    def _declined(self, line: Work, count: int, dice: Random) -> Input:
        reason = dice.choice(REASONS)
        given = {"fulfillmentOrderLineId": line["id"], "quantity": dice.randint(1, line["quantity"]), "reason": reason}
        counted = reason == "NOT_FOUND" and dice.random() < COUNTED
        return given | ({"countedOnHand": count} if counted else {})

    async def _declining(self, story: Story, name: str, given: Input) -> dict[str, Any]:
        """Decline some lines. A count is refused where more is already picked for others: then without it."""
        counts = sum("countedOnHand" in line for line in given["lines"])
        if not counts:
            return await self._step(story, "reject", name, given)
        key = {"idempotencyKey": f"{story.recorded.id}:reject{name}"}
        answer = (await self.caller.ask(documents.steps("reject"), {"reject": {**key, **given}}))["reject"]
        codes = {error["code"] for error in answer["userErrors"]}
        if not codes:
            self.mishaps.note(story, "lines counted anew as they were declined", counts)
            return answer  # type: ignore[no-any-return]
        if codes != {"UNITS_COMMITTED"}:
            self._note(story, {"reject": answer})
            raise Refused
        self.mishaps.note(story, "counts refused, for more was picked already", counts)
        plain = [{what: said for what, said in line.items() if what != "countedOnHand"} for line in given["lines"]]
        return await self._step(story, "reject", f"{name}uncounted", {**given, "lines": plain})

    # -- done, as far as there is something -------------------------------------------------------------------------

    async def _fulfill(self, story: Story, work: Work, dice: Random, name: str) -> list[Work]:
        """Accept, pick what is there and send it on its way; what is short comes back as work elsewhere."""
        at = {"id": work["id"], "occurredAt": story.handed_over_at}
        found = [self._found(line, dice) for line in work["lines"]]
        await self._step(story, "accept", name, at)
        picked = await self._step(story, "search", name, {**at, "lines": found})
        if short := sum(line["short"] for line in found):
            self.mishaps.note(story, "units short in picking", short)
        if any(line["picked"] for line in found):
            packed = await self._step(story, "pack", name, {**at, "packages": [{}]})
            parcels = [each["id"] for each in packed["fulfillmentOrder"]["packages"]]
            left = await self._step(story, "ship", name, leaving(story, work["id"], parcels, name))
            sent = left["shipment"]["id"]
            for step, given in delivering(story, [sent]).items():
                await self._step(story, step.rstrip("0123456789"), name, given)
        return picked["rerouted"]  # type: ignore[no-any-return]

    def _found(self, line: Work, dice: Random) -> Input:
        """What is on the shelf of what should be there."""
        short = dice.randint(1, line["quantity"]) if dice.random() < SHORT else 0
        reason = {"shortReason": dice.choice(REASONS)} if short else {}
        given = {"fulfillmentOrderLineId": line["id"], "picked": line["quantity"] - short, "short": short}
        return given | reason

    async def _step(self, story: Story, step: str, name: str, given: Input) -> dict[str, Any]:
        """One step of one work, under a key of its own."""
        keyed = {"idempotencyKey": f"{story.recorded.id}:{step}{name}", **given}
        answer = await self._ask(story, documents.steps(step), {step: keyed})
        return answer[step]  # type: ignore[no-any-return]


def _units(works: Iterable[Work]) -> int:
    return sum(line["quantity"] for work in works for line in work["lines"])


def _left(work: Work, declined: Iterable[Input]) -> list[Work]:
    """What is left of work of which some was declined."""
    off = {line["fulfillmentOrderLineId"]: line["quantity"] for line in declined}
    lines = [{**line, "quantity": line["quantity"] - off.get(line["id"], 0)} for line in work["lines"]]
    held = [line for line in lines if line["quantity"]]
    return [{**work, "lines": held}] if held else []


# -- what the API says of it ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What the API says of an order: whether it went otherwise than it was placed, and what is still to be done."""

    touched: bool
    waiting: bool
    open: list[Work]


async def aftermath(caller: Caller, window: Window) -> AsyncIterator[tuple[str, Aftermath]]:
    """Of every order, by the reference it was placed under."""
    async for node in orders_of(caller, documents.AFTERMATH, window):
        works = node["fulfillmentOrders"]
        short = any(line["short"] for work in works for line in work["lines"])
        yield (
            node["externalReference"],
            Aftermath(
                touched=bool(short or node["unroutedAt"] or any(work["status"] == "REJECTED" for work in works)),
                waiting=bool(node["unroutedAt"]),
                open=[work for work in map(_held, works) if work["status"] == "OPEN" and work["lines"]],
            ),
        )


def _held(work: Work) -> Work:
    """Work with the units that it still holds."""
    lines = [
        {"id": line["id"], "quantity": units}
        for line in work["lines"]
        if (units := line["quantity"] - line["short"] - line["canceled"]) > 0
    ]
    return {**work, "lines": lines}
