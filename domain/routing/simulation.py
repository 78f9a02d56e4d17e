"""What if: past orders walked through the production router once by the current rules and once by others.

Both walks begin with the same stock and route the same orders in the order in which they were placed, each at its own
moment; what an order ships is gone for those after it. So like is compared with like, and the only difference is the rules.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import cache
from heapq import heappush, heappushpop
from typing import Any, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.routing.model import Decision
from domain.routing.network import Network, Request, Snapshot
from domain.routing.router import route
from domain.words import Word

CHANGES_KEPT = 100
"""A simulation tells no more: those whose costs differ most."""


class SimulationStatus(Word):
    """How far a simulation is."""

    WAITING = "WAITING", "No worker has begun it."
    RUNNING = "RUNNING", "A worker is at it, or will go on with it."
    DONE = "DONE", "Its result is there."
    FAILED = "FAILED", "It cannot be done; the error says why."


@dataclass(frozen=True, slots=True)
class PastOrder:
    """An order as the router was asked for it."""

    id: UUID
    request: Request


@dataclass(slots=True)
class Figures:
    """Sums over the decisions of one walk."""

    cost_minor: int = 0
    orders_shipped: int = 0
    orders_split: int = 0
    orders_promised: int = 0
    orders_on_time: int = 0
    parcels: int = 0
    parcels_placed: int = 0
    """Those whose distance is known."""
    distance_km: float = 0.0
    unfilled_units: int = 0

    def count(self, decision: Decision, deliver_by: datetime | None) -> None:
        """Add one decision."""
        self.cost_minor += cost_of(decision)
        self.orders_shipped += bool(decision.chosen)
        self.orders_split += len(decision.chosen) > 1
        self.unfilled_units += sum(gap.quantity for gap in decision.unfilled)
        if deliver_by is not None:
            self.orders_promised += 1
            self.orders_on_time += not decision.unfilled and not any(parcel.late_days for parcel in decision.chosen)
        for parcel in decision.chosen:
            self.parcels += 1
            if parcel.distance_km is not None:
                self.parcels_placed += 1
                self.distance_km += parcel.distance_km

    def told(self) -> dict[str, Any]:
        """The figures as they are reported."""
        return {
            "cost_minor": self.cost_minor,
            "parcels": self.parcels,
            "split_rate": _rate(self.orders_split, self.orders_shipped),
            "on_time_rate": _rate(self.orders_on_time, self.orders_promised),
            "average_distance_km": round(self.distance_km / self.parcels_placed, 3) if self.parcels_placed else None,
            "unfilled_units": self.unfilled_units,
        }


def _rate(some: int, of_all: int) -> float | None:
    return round(some / of_all, 4) if of_all else None


def cost_of(decision: Decision) -> int:
    """What the parcels of a decision cost: carriers, packing and handling."""
    return sum(parcel.cost_minor for parcel in decision.chosen)


def assignment(decision: Decision) -> frozenset[tuple[UUID, UUID, int]]:
    """What ships from where: (location, line, units)."""
    return frozenset(
        (parcel.location_id, line.line_id, line.quantity) for parcel in decision.chosen for line in parcel.lines
    )


Stock = dict[UUID, dict[UUID, int]]
"""Units by location and variant."""

QUARTER = timedelta(minutes=15)
"""Days begin at whole quarters of an hour, wherever one is."""


class Walk:
    """One set of rules on its way through the orders: what is left in stock, and the parcels of the day at hand."""

    def __init__(self, network: Network, stock: Mapping[UUID, Mapping[UUID, int]]) -> None:
        self.network = network
        self.stock: Stock = {location: dict(units) for location, units in stock.items()}
        self.given: dict[UUID, tuple[date, int]] = {}
        """Parcels by location, and the day there on which they were given out."""
        self.figures = Figures()
        self._parcels: tuple[datetime | None, dict[UUID, int]] = None, {}

    def decide(self, request: Request) -> Decision:
        """Route one order, and take what it ships."""
        parcels = self._parcels_at(request.at)
        decision = route(request, self.network, Snapshot(self.stock, parcels))
        self.figures.count(decision, request.deliver_by)
        variants = {line.line_id: line.variant_id for line in request.lines}
        for parcel in decision.chosen:
            shelf = self.stock[parcel.location_id]
            for line in parcel.lines:
                shelf[variants[line.line_id]] -= line.quantity
            parcels[parcel.location_id] = parcels.get(parcel.location_id, 0) + 1
            self.given[parcel.location_id] = self._day(parcel.location_id, request.at), parcels[parcel.location_id]
        return decision

    def _parcels_at(self, at: datetime) -> dict[UUID, int]:
        """The parcels of the day that a moment lies in, at each location."""
        quarter = at - (at - datetime.min.replace(tzinfo=at.tzinfo)) % QUARTER
        if quarter != self._parcels[0]:
            today = {place: parcels for place, (day, parcels) in self.given.items() if day == self._day(place, at)}
            self._parcels = quarter, today
        return self._parcels[1]

    def _day(self, location_id: UUID, at: datetime) -> date:
        location = self.network.locations.get(location_id)
        return at.astimezone(_zone(location.calendar.time_zone if location else "UTC")).date()

    # -- to go on elsewhere ------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """Where the walk stands, as JSON."""
        return {
            "stock": {
                str(place): {str(key): left for key, left in shelf.items()} for place, shelf in self.stock.items()
            },
            "given": {str(place): [day.isoformat(), parcels] for place, (day, parcels) in self.given.items()},
            "figures": asdict(self.figures),
        }

    @classmethod
    def load(cls, network: Network, dumped: Mapping[str, Any]) -> Self:
        """A walk that goes on from where another stood."""
        stock = {
            UUID(place): {UUID(key): left for key, left in shelf.items()} for place, shelf in dumped["stock"].items()
        }
        walk = cls(network, stock)
        walk.given = {
            UUID(place): (date.fromisoformat(day), parcels) for place, (day, parcels) in dumped["given"].items()
        }
        walk.figures = Figures(**dumped["figures"])
        return walk


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


Change = tuple[int, int, str, list[str], list[str], int]
"""(how much the costs differ, how early, order, from where, from where by the other rules, the difference)."""


class Comparison:
    """Two walks side by side."""

    def __init__(self, current: Walk, proposed: Walk) -> None:
        self.current = current
        self.proposed = proposed
        self.orders = 0
        self.changed_count = 0
        self.changes: list[Change] = []
        """The largest, as a heap."""

    def go_on(self, orders: Iterable[PastOrder]) -> None:
        """Walk on through some orders."""
        for order in orders:
            self.orders += 1
            before, after = self.current.decide(order.request), self.proposed.decide(order.request)
            if assignment(before) != assignment(after):
                self.changed_count += 1
                self._keep(order.id, before, after)

    def _keep(self, order_id: UUID, before: Decision, after: Decision) -> None:
        delta = cost_of(after) - cost_of(before)
        change = (abs(delta), -self.orders, str(order_id), _places(before), _places(after), delta)
        (heappush if len(self.changes) < CHANGES_KEPT else heappushpop)(self.changes, change)

    def told(self) -> dict[str, Any]:
        """The comparison as it is reported."""
        currency = self.current.network.currency
        changes = sorted(self.changes, reverse=True)
        return {
            "currency": currency,
            "orders": self.orders,
            "current": self.current.figures.told(),
            "proposed": self.proposed.figures.told(),
            "changed_count": self.changed_count,
            "changed": [
                {
                    "order_id": id_,
                    "ships_from": ships_from,
                    "ships_to": ships_to,
                    "delta_minor": delta,
                    "currency": currency,
                }
                for _, _, id_, ships_from, ships_to, delta in changes
            ],
        }

    def dump(self) -> dict[str, Any]:
        """Where the comparison stands, as JSON."""
        return {
            "current": self.current.dump(),
            "proposed": self.proposed.dump(),
            "orders": self.orders,
            "changed_count": self.changed_count,
            "changes": self.changes,
        }

    @classmethod
    def load(cls, current: Network, proposed: Network, dumped: Mapping[str, Any]) -> Self:
        """A comparison that goes on from where another stood."""
        found = cls(Walk.load(current, dumped["current"]), Walk.load(proposed, dumped["proposed"]))
        found.orders, found.changed_count = dumped["orders"], dumped["changed_count"]
        found.changes = [(size, early, id_, *rest) for size, early, id_, *rest in dumped["changes"]]
        return found


def _places(decision: Decision) -> list[str]:
    return [str(parcel.location_id) for parcel in decision.chosen]
