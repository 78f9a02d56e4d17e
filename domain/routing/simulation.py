"""What if: past orders walked through the production router once by the current rules and once by others.

Both walks begin with the same stock and route the same orders in the order in which they were placed, each at its own
moment; what an order ships is gone for those after it. So like is compared with like, and the only difference is the rules.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from heapq import heappush, heappushpop
from typing import Any, Self
from uuid import UUID

from domain.routing.model import Decision
from domain.routing.network import Network, Request, Snapshot
from domain.routing.router import route
from domain.sourcing import is_counted, is_priced, parcels_ahead
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
    promise: datetime | None = None
    """What its buyer was told, though it may be no more than what the router came to itself, which asks nothing of it."""


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

    def count(self, decision: Decision, promise: datetime | None) -> None:
        """Add one decision about an order whose buyer was promised a moment, or none."""
        self.cost_minor += cost_of(decision)
        self.orders_shipped += bool(decision.chosen)
        self.orders_split += len(decision.chosen) > 1
        self.unfilled_units += sum(gap.quantity for gap in decision.unfilled)
        if promise is not None:
            self.orders_promised += 1
            self.orders_on_time += is_on_time(decision, promise)
        for parcel in decision.chosen:
            self.parcels += 1
            if parcel.distance_km is not None:
                self.parcels_placed += 1
                self.distance_km += parcel.distance_km

    def told(self, *, priced: bool) -> dict[str, Any]:
        """The figures as they are reported; of money and time nothing where nobody said what carriers charge and take."""
        return {
            "cost_minor": self.cost_minor if priced else None,
            "parcels": self.parcels,
            "split_rate": _rate(self.orders_split, self.orders_shipped),
            "on_time_rate": _rate(self.orders_on_time, self.orders_promised) if priced else None,
            "average_distance_km": round(self.distance_km / self.parcels_placed, 3) if self.parcels_placed else None,
            "unfilled_units": self.unfilled_units,
        }


def _rate(some: int, of_all: int) -> float | None:
    return round(some / of_all, 4) if of_all else None


def cost_of(decision: Decision) -> int:
    """What the parcels of a decision cost: carriers, packing and handling."""
    return sum(parcel.cost_minor for parcel in decision.chosen)


def is_on_time(decision: Decision, promise: datetime) -> bool:
    """Whether everything arrives, and no parcel a day after what was promised, as its location counts days."""
    return not decision.unfilled and all(
        parcel.deliver_latest is not None
        and parcel.deliver_latest.date() <= promise.astimezone(parcel.deliver_latest.tzinfo).date()
        for parcel in decision.chosen
    )


def assignment(decision: Decision) -> frozenset[tuple[UUID, UUID, int]]:
    """What ships from where: (location, line, units)."""
    return frozenset(
        (parcel.location_id, line.line_id, line.quantity) for parcel in decision.chosen for line in parcel.lines
    )


Stock = dict[UUID, dict[UUID, int]]
"""Units by location and variant."""

DAY = timedelta(days=1)


class Walk:
    """One set of rules on its way through the orders: what is left in stock, and what days have been given already."""

    def __init__(self, network: Network, stock: Mapping[UUID, Mapping[UUID, int]]) -> None:
        self.network = network
        self.stock: Stock = {location: dict(units) for location, units in stock.items()}
        self.days: dict[tuple[UUID, date], int] = {}
        """Parcels by location and the day on which they leave, where anybody counts them."""
        self.figures = Figures()

    def decide(self, order: PastOrder) -> Decision:
        """Route one order, and take what it ships."""
        request = order.request
        decision = route(request, self.network, Snapshot(self.stock, self._parcels_ahead(request.at)))
        self.figures.count(decision, order.promise)
        variants = {line.line_id: line.variant_id for line in request.lines}
        for parcel in decision.chosen:
            shelf = self.stock[parcel.location_id]
            for line in parcel.lines:
                shelf[variants[line.line_id]] -= line.quantity
            if parcel.ship_at is not None and is_counted(self.network, parcel.location_id):
                day = parcel.location_id, parcel.ship_at.date()
                self.days[day] = self.days.get(day, 0) + 1
        return decision

    def _parcels_ahead(self, at: datetime) -> dict[UUID, int]:
        """What is to leave from then on. Days that are over are forgotten: moments only go forward."""
        yesterday = at.date() - DAY  # which somewhere may still be today
        for day in [day for day in self.days if day[1] < yesterday]:
            del self.days[day]
        return parcels_ahead(self.network, self.days, at)

    # -- to go on elsewhere ------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """Where the walk stands, as JSON."""
        return {
            "stock": {
                str(place): {str(key): left for key, left in shelf.items()} for place, shelf in self.stock.items()
            },
            "days": [[str(place), day.isoformat(), parcels] for (place, day), parcels in self.days.items()],
            "figures": asdict(self.figures),
        }

    @classmethod
    def load(cls, network: Network, dumped: Mapping[str, Any]) -> Self:
        """A walk that goes on from where another stood."""
        stock = {
            UUID(place): {UUID(key): left for key, left in shelf.items()} for place, shelf in dumped["stock"].items()
        }
        walk = cls(network, stock)
        walk.days = {(UUID(place), date.fromisoformat(day)): parcels for place, day, parcels in dumped["days"]}
        walk.figures = Figures(**dumped["figures"])
        return walk


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
            before, after = self.current.decide(order), self.proposed.decide(order)
            if assignment(before) != assignment(after):
                self.changed_count += 1
                self._keep(order.id, before, after)

    def _keep(self, order_id: UUID, before: Decision, after: Decision) -> None:
        delta = cost_of(after) - cost_of(before)
        change = (abs(delta), -self.orders, str(order_id), _places(before), _places(after), delta)
        (heappush if len(self.changes) < CHANGES_KEPT else heappushpop)(self.changes, change)

    def told(self) -> dict[str, Any]:
        """The comparison as it is reported."""
        currency, priced = self.current.network.currency, is_priced(self.current.network)
        changes = sorted(self.changes, reverse=True)
        return {
            "currency": currency,
            "orders": self.orders,
            "current": self.current.figures.told(priced=priced),
            "proposed": self.proposed.figures.told(priced=priced),
            "changed_count": self.changed_count,
            "changed": [
                {
                    "order_id": id_,
                    "ships_from": ships_from,
                    "ships_to": ships_to,
                    "delta_minor": delta if priced else None,
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
