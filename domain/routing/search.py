"""The cheapest way to fill an order: branch and bound over sets of ways, on numbers alone.

A way is one service from one place. Given a set of ways, filling it is easy: each need is served by the cheapest of them
first. So the search is over sets, and three facts keep it short:

- What one way more would save only shrinks as the set grows. So a set with `n` ways to go saves no more than the `n`
  largest savings of today, and a way that saves nothing now never will.
- At any price for every need, nothing undercuts what the needs cost at their prices, less what ways would earn that sell
  at them (`bounding.py` looks for the prices at which that is most). A way that would lose more than there is room for is
  in no better plan, and one that earns more is in every one.
- Adding what saves most, again and again, is nearly the best already, the more so if one begins with what earns at those
  prices; the search then mostly proves it.

Limits that tie needs together (weight of a parcel, least value of a parcel, lines that must stay whole and share a shelf)
are in the prices' bound as far as fractions can keep them; a set that is still worth it is then filled by trying the needs
one after another (`packing.py`). Where a search would take too long it stops, and the plan carries the bound down to
which a better one may exist.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from heapq import heapify, heappop, heapreplace, nsmallest
from math import inf

from domain.routing.bounding import Bound, Bounding, Node
from domain.routing.packing import Loading, Packing
from domain.routing.problem import TOLERANCE, Item, Limits, Option, Plan, Problem, TakesLong, only

EFFORT = 90_000
"""Steps (a way weighed for an item, or looked at) after which a search stops proving: some fifteen milliseconds."""

EFFORT_TO_PROVE = 750_000
"""The same for up to `ITEMS_PROVED` items from `PLACES_PROVED` places, which are to be exact: a tenth of a second. Mostly a
hundredth of that is enough."""
ITEMS_PROVED, PLACES_PROVED = 6, 40

JOINING = 4
"""How much longer it takes to add an option to a set than to weigh it."""

ROUNDS, ROUNDS_AGAIN, ROUNDS_ALONE = 60, 5, 10
"""How often prices are moved for the whole problem, again for each part of it, and for one set that must be packed."""

SHARES = (1.0, 0.8, 0.6)
"""Of what earns at good prices, how much a plan begins with."""
RISES = (1.0, 1.3, 2.0)
"""A plan that must keep limits begins with what earns at good prices, and goes on at prices so many times as high."""


def cheapest(
    items: Sequence[Item], options: Sequence[Option], limits: Limits, effort: int | None = None, most: int | None = None
) -> Plan:
    """Find it. Of plans that cost the same, options that come first are preferred.

    After `effort` it is no longer proved; after `most` steps it is given up (`TakesLong`).
    """
    if len(options) == 1 and (plan := only(items, options[0], limits)):
        return plan
    if effort is None:
        small = len(items) <= ITEMS_PROVED and len({option.place for option in options}) <= PLACES_PROVED
        effort = EFFORT_TO_PROVE if small else EFFORT
    return Search(Problem(items, options, limits), effort, most).run()


class Search:
    """One search."""

    def __init__(self, problem: Problem, effort: int, most: int | None = None) -> None:
        self.problem, self.effort, self.steps, self.most = problem, effort, 0, most
        self.bounding = Bounding(problem)
        self.best = Plan({}, sum([item.unfilled * item.units for item in problem.items]))
        self.floor = inf
        """The least bound of what was not searched."""
        self.least = -inf
        """What no plan at all undercuts."""

    def spend(self, steps: int) -> None:
        """Count what was done."""
        self.steps += steps
        if self.most is not None and self.steps > self.most:
            raise TakesLong

    @property
    def is_out_of_time(self) -> bool:
        """Whether it is time to stop proving."""
        return self.steps > self.effort

    def run(self) -> Plan:
        """One option, where that is enough; else something good first, then the proof."""
        problem = self.problem
        candidates = problem.worthwhile()
        if candidates and problem.limits.most_parcels and not self._is_one_enough(candidates):
            prices, paid = self.bounding.begun(candidates), -problem.limits.split
            node = Node([], problem.left_out, paid, problem.limits.most_parcels, candidates, prices)
            if self._begin(node):
                self._explore(node)
        self.best.bound = min(self.best.total, max(self.least, self.floor))
        self.best.steps = self.steps
        return self.best

    def _is_one_enough(self, candidates: Sequence[int]) -> bool:
        """Whether the best single option undercuts whatever two could do at the least; then it is the plan.

        Most orders ship from the nearest place that has everything, and a second parcel is never worth it.
        """
        problem = self.problem
        gains = [problem.gain(index, problem.left_out) for index in candidates]
        index, split = candidates[gains.index(max(gains))], problem.limits.split
        alone = self.best.total - max(gains) - split
        if len(candidates) > 1 and problem.limits.most_parcels > 1:
            one, another = nsmallest(2, [problem.fixed[each] for each in candidates])
            if alone > one + another - split + self._least():
                return False
        takes = problem.taken([index])
        if problem.tied and not problem.is_legal(takes):
            return False
        if alone < self.best.total - TOLERANCE:
            self.best = Plan(takes, alone)
        return True

    def _least(self) -> float:
        """What the items cost if each had all its units from whoever is cheapest."""
        items = self.problem.items
        least = [item.unfilled for item in items]
        for served in self.problem.useful:
            for number, cost, _ in served:
                least[number] = min(cost, least[number])
        return sum([cost * item.units for cost, item in zip(least, items, strict=True)])

    # -- searching -------------------------------------------------------------------------------------------------

    def _begin(self, node: Node) -> bool:
        """Find good plans, and a bound for all; whether there may be a better plan."""
        if self.problem.tied:
            self._load(node)
        else:
            self._grow([], node.candidates)
        if self._saving(node) >= self.best.total - TOLERANCE:
            return False
        bound = self._raised(node, ROUNDS)
        self.least = bound.value
        if not self._is_open(bound):
            return False
        if not self.problem.tied:
            self._settle(node, bound)
            self._grow_from_best(node, bound)
        return self._is_open(bound)

    def _explore(self, node: Node) -> None:
        """Try the sets of a node: what no better plan lacks is added; then those with what saves most, then the rest."""
        is_new = self.problem.tied
        while node.left and node.candidates:
            if self.problem.tied and self.problem.asks_too_much(node.members):
                return
            if self._saving(node) >= self.best.total - TOLERANCE:
                return
            bound = self._raised(node, ROUNDS_AGAIN)
            if not self._is_open(bound):
                return
            if self.is_out_of_time:
                self.floor = min(self.floor, bound.value)
                return
            if is_new:
                self._load(node)
                is_new = False
            needed = self._settle(node, bound)
            if len(needed) > node.left:
                return
            if needed:
                node = self._with(node, needed)
            elif node.candidates:
                first = node.candidates.pop(0)
                self._explore(self._with(node, [first]))

    def _raised(self, node: Node, rounds: int) -> Bound:
        """A node's bound, after no more rounds than there is effort for, or a few."""
        affordable = (min(self.effort, self.most or self.effort) - self.steps) // (
            1 + len(node.candidates) * len(node.levels)
        )
        bound = self.bounding.raised(node, self.best.total, min(rounds, max(ROUNDS_AGAIN, affordable)))
        self.spend(self.bounding.spent())
        return bound

    def _is_open(self, bound: Bound) -> bool:
        """Whether there may be something better than the best plan."""
        return bound.value < self.best.total - TOLERANCE

    def _with(self, node: Node, more: Sequence[int]) -> Node:
        """A node's sets that have some options more; the set of its members alone is tried."""
        problem = self.problem
        levels, paid, candidates = node.levels, node.paid, node.candidates
        self.spend(len(more) * problem.step)
        for index in more:
            levels, paid = problem.joined(index, levels), paid + problem.fixed[index]
            candidates = problem.elsewhere(index, candidates)
        members = [*node.members, *more]
        joined = Node(members, levels, paid, node.left - len(more), candidates, node.prices)
        self._offer(joined)
        return joined

    def _saving(self, node: Node) -> float:
        """What no set of a node undercuts, for savings only shrink; its candidates are put in the order of theirs."""
        gains = []
        for index in node.candidates:
            gain = self.problem.gain(index, node.levels)
            if gain > 0 or self.problem.tied:
                gains.append((-gain, index))
        self.spend(len(node.candidates) * self.problem.step)
        gains.sort()
        node.candidates = [index for _, index in gains]
        return node.total + sum([min(0.0, loss) for loss, _ in gains[: node.left]])

    def _settle(self, node: Node, bound: Bound) -> list[int]:
        """Drop the candidates that no better plan has; what none lacks is told."""
        room, earned = self.best.total - TOLERANCE - bound.value, bound.earned
        place = {index: self.problem.options[index].place for index in node.candidates}
        most = dict.fromkeys(place.values(), 0.0)
        for index, here in place.items():
            most[here] = max(most[here], earned[index])
        top = [*sorted(most.values(), reverse=True)[: node.left + 1], 0.0, 0.0]
        # One that does not earn enough to be counted pushes out the last that is, and the next is counted without one.
        last, after = (top[node.left - 1], top[node.left]) if len(most) >= node.left else (0.0, 0.0)
        node.candidates = [index for index in node.candidates if max(most[place[index]], last) - earned[index] < room]
        alone = Counter([place[index] for index in node.candidates])
        return [index for index in node.candidates if most[place[index]] - after >= room and alone[place[index]] == 1]

    # -- plans -----------------------------------------------------------------------------------------------------

    def _offer(self, node: Node) -> None:
        """Keep a node's members as the best plan, if they can be filled for less than the best so far."""
        members, total = node.members, node.total
        if total >= self.best.total - TOLERANCE:
            return
        takes = self.problem.taken(members)
        if not self.problem.tied or self.problem.is_legal(takes):
            idle = sum([self.problem.fixed[index] for index in members if index not in takes])
            self.best = Plan(takes, total - idle)
            return
        alone = replace(node, candidates=[])
        if self._is_open(self._raised(alone, ROUNDS_ALONE)):
            Packing(self, members, alone.prices).run()

    def _grow_from_best(self, node: Node, bound: Bound) -> None:
        """Plans that begin with what earns most at good prices."""
        earning: dict[int, int] = {}
        for index in sorted(node.candidates, key=bound.earned.__getitem__):
            if bound.earned[index] > 0:
                earning[self.problem.options[index].place] = index
        best = sorted(earning.values(), key=bound.earned.__getitem__, reverse=True)
        for share in SHARES[: 1 if self.is_out_of_time else None]:
            self._grow(best[: min(node.left, round(share * len(best)))], node.candidates)

    def _load(self, node: Node) -> None:
        """Legal parcels one after another, the members first; then what earns at ever higher prices, then whatever fills."""
        loading = Loading(self.problem)
        loading.load(node.members, node.prices)
        for rise in RISES:
            loading.load(node.candidates, [rise * price for price in node.prices])
        loading.load(node.candidates, [item.unfilled for item in self.problem.items])
        self.spend(loading.steps)
        plan = loading.plan
        if plan.total < self.best.total - TOLERANCE and self.problem.is_legal(plan.takes):
            self.best = plan

    def _grow(self, members: Sequence[int], candidates: Sequence[int]) -> None:
        """Offer a set with more options, the most saving first. Savings only shrink: old ones are looked at on top."""
        problem = self.problem
        members, levels, paid = list(members), list(problem.left_out), -problem.limits.split
        for index in members:
            levels, paid = problem.joined(index, levels), paid + problem.fixed[index]
        places = {problem.options[index].place for index in members}
        heap = [(-problem.gain(index, levels), index, len(members)) for index in candidates]
        self.spend((len(candidates) + JOINING * len(members)) * problem.step)
        heapify(heap)
        while heap and len(members) < problem.limits.most_parcels:
            self.spend(problem.step)
            loss, index, seen = heap[0]
            if loss >= (0.0 if members else problem.limits.split):
                break
            if problem.options[index].place in places:
                heappop(heap)
            elif seen < len(members):
                heapreplace(heap, (-problem.gain(index, levels), index, len(members)))
            else:
                heappop(heap)
                self.spend(JOINING * problem.step)
                levels, paid = problem.joined(index, levels), paid + problem.fixed[index]
                members.append(index)
                places.add(problem.options[index].place)
        if members:
            self._offer(Node(members, levels, paid, 0, [], []))
