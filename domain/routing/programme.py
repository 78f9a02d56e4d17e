"""Many orders at once as a linear programme: what filling them all would cost, and what one unit or parcel more would save.

The same ways, costs and limits as for one order, but fractions are allowed and stock and capacity are shared. Orders of one
need (most of them) need no variable for the parcel: its cost is spread over their units.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from uuid import UUID

import highspy
import numpy as np

from domain.routing.needs import needs_of
from domain.routing.network import Network, Request, Snapshot
from domain.routing.problem import Item, Option
from domain.routing.ways import Survey
from domain.routing.weighing import Weighing

PARCELS_LEFT_OUT = 6
"""A unit that is left out counts as no more than so many of the cheapest parcels that it could be: a penalty that stands
for "never" would drown every difference in what shipping costs."""

OPTIONS_MOST = 24
"""Of a thousand stores those that come into question: the cheapest for a unit, parcel and all."""

Shelf = tuple[UUID, UUID]
"""A location and a variant."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One order as a programme sees it: its items, and a location's cheapest way for all that it has of them."""

    items: list[Item]
    variants: list[UUID]
    options: list[tuple[UUID, Option]]
    most_parcels: int
    split: float


def seen(request: Request, network: Network, snapshot: Snapshot) -> Seen:
    """Look at an order as the router would, without prices."""
    needs = needs_of(request.lines, split_lines=network.live.split_lines)
    survey = Survey(request, network, snapshot, needs)
    weighing = Weighing(survey)
    options = [
        (site.location.id, min(map(weighing.option, site.ways), key=_cost_of_all)) for site in survey.sites if site.ways
    ]
    return Seen(
        weighing.items,
        [need.variant_id for need in needs],
        nsmallest(OPTIONS_MOST, options, key=lambda each: _cost_of_all(each[1]) / sum(each[1].units)),
        weighing.limits.most_parcels,
        weighing.limits.split,
    )


def _cost_of_all(option: Option) -> float:
    return option.fixed + sum(units * cost for units, cost in zip(option.units, option.costs, strict=True))


class Programme:
    """Collects columns and rows, order by order; then solves."""

    def __init__(self) -> None:
        self.costs: list[float] = []
        self.most: list[float] = []
        self.starts, self.columns, self.factors = [0], list[int](), list[float]()
        self.lower: list[float] = []
        self.upper: list[float] = []
        self.shelves: dict[Shelf, list[int]] = {}
        self.parcels: dict[UUID, list[tuple[int, float]]] = {}

    def add(self, order: Seen) -> None:
        """One order more."""
        alone = len(order.items) == 1
        served: list[list[int]] = [[] for _ in order.items]
        parcels = []
        for place, option in order.options:
            parcel = None if alone else self._column(option.fixed + order.split, 1.0)
            if parcel is not None:
                parcels.append(parcel)
                self.parcels.setdefault(place, []).append((parcel, 1.0))
            for index, units in enumerate(option.units):
                if units:
                    column = self._units(order, index, option, parcel)
                    served[index].append(column)
                    self.shelves.setdefault((place, order.variants[index]), []).append(column)
                    if parcel is None:
                        self.parcels.setdefault(place, []).append((column, 1.0 / order.items[index].units))
        if len(parcels) > order.most_parcels:
            self._row(parcels, [1.0] * len(parcels), -highspy.kHighsInf, order.most_parcels)
        for index, item in enumerate(order.items):
            left_out = self._column(min(item.unfilled, _dear(index, order)), highspy.kHighsInf)
            self._row([*served[index], left_out], [1.0] * (len(served[index]) + 1), item.units, item.units)

    def _units(self, order: Seen, index: int, option: Option, parcel: int | None) -> int:
        """A column for what an option gives of an item: at most what it has, and only in a parcel."""
        if parcel is None:
            return self._column(option.costs[index] + option.fixed / order.items[index].units, option.units[index])
        column = self._column(option.costs[index], highspy.kHighsInf)
        self._row([column, parcel], [1.0, -float(option.units[index])], -highspy.kHighsInf, 0.0)
        return column

    def solve(
        self, stock: Snapshot, capacity: dict[UUID, float], scale: float
    ) -> tuple[dict[Shelf, float], dict[UUID, float]]:
        """What one unit more on each shelf would save, and one parcel more from each location that is limited."""
        first = len(self.lower)
        for (place, variant), columns in self.shelves.items():
            self._row(columns, [1.0] * len(columns), -highspy.kHighsInf, stock.stock[place][variant] * scale)
        limited = [place for place in self.parcels if place in capacity]
        for place in limited:
            using, factors = zip(*self.parcels[place], strict=True)
            self._row(using, factors, -highspy.kHighsInf, capacity[place] * scale)
        duals = [max(0.0, -dual) for dual in self._duals()[first:]]
        shelves = len(self.shelves)
        return dict(zip(self.shelves, duals[:shelves], strict=True)), dict(zip(limited, duals[shelves:], strict=True))

    def _column(self, cost: float, most: float) -> int:
        self.costs.append(cost)
        self.most.append(most)
        return len(self.costs) - 1

    def _row(self, columns: Iterable[int], factors: Iterable[float], lower: float, upper: float) -> None:
        self.columns.extend(columns)
        self.factors.extend(factors)
        self.starts.append(len(self.columns))
        self.lower.append(lower)
        self.upper.append(upper)

    def _duals(self) -> Sequence[float]:
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(self.costs), len(self.lower)
        model.col_cost_, model.col_upper_ = np.array(self.costs), np.array(self.most)
        model.col_lower_ = np.zeros(len(self.costs))
        model.row_lower_, model.row_upper_ = np.array(self.lower), np.array(self.upper)
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_, model.a_matrix_.index_ = np.array(self.starts), np.array(self.columns)
        model.a_matrix_.value_ = np.array(self.factors)
        highs = highspy.Highs()  # type: ignore[no-untyped-call]
        highs.setOptionValue("output_flag", False)
        highs.passModel(model)
        highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise ArithmeticError(f"prices were not solved: {highs.modelStatusToString(highs.getModelStatus())}")
        return highs.getSolution().row_dual


def _dear(index: int, order: Seen) -> float:
    parcels = [option.fixed + option.costs[index] for _, option in order.options if option.units[index]]
    return PARCELS_LEFT_OUT * min(parcels, default=0.0)
