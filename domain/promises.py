"""When will it be there? A range of days, learned from how long the shop's own parcels took.

Three things are learned, all of them tables that can be read:

1. *The delivery week.* Carriers deliver little on weekends. Time is counted in delivery days: each weekday counts for as
   much as is delivered on it, and seven days make seven.
2. *What is usual*: the typical delivery days of a journey, as factors by distance, lane, area, location and hour of the
   week that multiply. Each factor is drawn towards one as long as few parcels stand behind it.
3. *How sure*: by what factor parcels exceed what is usual, so many of a hundred; from a Kaplan–Meier estimate, for which
   parcels that are still on their way count as well. Recent parcels weigh more, and where the last days' parcels are
   quicker or slower than those before, the promise goes half of the way with them.

Everything that learns is told the moment as of which it learns, and takes no notice of what happened later.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate
from math import exp, floor, log
from typing import Any

LEAST_DELIVERED = 200
"""With fewer there is nothing to be learned: the network's rates and calendars promise."""
YEAR_DAYS = 360
SETTLED_DAYS = 20
"""What is usual is learned from orders so old that slow ones have arrived too; else quick ones would be all one sees."""
LOST_DAYS = 45
"""A parcel that is older and was not delivered is lost: it says nothing of how long parcels take."""
LONGEST_DAYS = 90
USUAL_HALF_LIFE_DAYS = 120.0
SURE_DAYS = 300
SURE_HALF_LIFE_DAYS = 100.0
LATELY_HALF_LIFE_DAYS = 6.0
LATELY_SHARE = 0.3
"""Lately is told by the first parcels to arrive: of those, all but the last week's are known."""
LATELY_TRUST = 0.5
ROUNDS = 3
STRETCH = 0.75
"""Long journeys vary less, compared with their length, than short ones: their excess is that power of what is usual."""
DISTANCES_KM = (25, 50, 100, 200, 300, 400, 500, 600, 800, 1000, 1250, 1500, 2000, 2500, 3000)
PARTS_OF_DAY = (10, 16)
DRAWN_BY = {"distance": 5.0, "lane": 30.0, "area": 30.0, "location": 5.0, "service": 10.0, "hour": 20.0}
"""How many parcels it takes until a factor stands half for what they say."""
LEAST_FACTOR = 0.005
"""The logarithm of a factor that is worth keeping: half of a hundredth."""
LIKELIHOODS = (0.02, 0.05, 0.1, *(each / 100 for each in range(20, 85, 10)), *(each / 200 for each in range(170, 200)))
"""Of which factors are kept: dense where promises are made."""


@dataclass(frozen=True, slots=True)
class Journey:
    """What is known of a parcel when it is promised; `ordered_at` in the channel's time zone."""

    ordered_at: datetime
    location: str
    origin: str | None = None
    destination: str | None = None
    """Regions, such as BR-SP."""
    postal_code: str | None = None
    distance_km: float | None = None
    service: str | None = None
    """The carrier's, where one was chosen."""


@dataclass(frozen=True, slots=True)
class Past:
    """A journey that was begun, and the day on which it ended; None where nobody heard of that yet."""

    journey: Journey
    delivered: date | None


@dataclass(frozen=True, slots=True)
class Promise:
    """Delivered on one of these days, in so many cases of a hundred not later."""

    earliest: date
    latest: date
    confidence: float


@dataclass(frozen=True, slots=True)
class Week:
    """The delivery week: how many delivery days each weekday counts for, Monday first."""

    days: tuple[float, ...] = (1.0,) * 7

    def position(self, day: int) -> float:
        """Delivery days until the end of a day, which is given as its ordinal."""
        weeks, weekday = divmod(day - 1, 7)
        return weeks * 7 + sum(self.days[: weekday + 1])

    def day(self, position: float) -> int:
        """The first day by whose end so many delivery days have gone."""
        week = floor((position - 1e-9) / 7)
        ends = list(accumulate(self.days))
        return week * 7 + 1 + min(bisect_left(ends, position - 1e-9 - week * 7), 6)


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual: typical delivery days, and by trait and its value the logarithm of a factor."""

    days: float
    factors: Mapping[str, Mapping[str, float]]

    def of(self, journey: Journey) -> float:
        """The typical delivery days of a journey; a value that was never seen leaves them as they are."""
        found = (self.factors[trait].get(value, 0.0) for trait, value in traits(journey))
        return self.days * exp(sum(found))


@dataclass(frozen=True, slots=True)
class Model:
    """What was learned, as of a moment."""

    learned_at: datetime
    parcels: int
    week: Week
    usual: Usual
    excess: tuple[tuple[float, float], ...]
    """(likelihood, factor): so likely a parcel takes at most that factor times what is usual."""

    def promise(self, journey: Journey, confidence: float) -> Promise:
        """The days between which a parcel will be there: before the earliest it is as unlikely as after the latest."""
        start, unit = self.week.position(journey.ordered_at.toordinal()), self.usual.of(journey) ** STRETCH
        latest = self.week.day(start + unit * self.factor(confidence))
        earliest = self.week.day(start + unit * self.factor(1 - confidence))
        return Promise(date.fromordinal(min(earliest, latest)), date.fromordinal(latest), confidence)

    def knows(self, service: str | None) -> bool:
        """Whether anything is known of a service; where the past names none, what is usual holds for all."""
        services = self.usual.factors.get("service")
        return not services or service in services

    def factor(self, likelihood: float) -> float:
        """Between two likelihoods that were learned, what lies between their factors."""
        place = min(max(bisect_left(self.excess, (likelihood,)), 1), len(self.excess) - 1)
        (low, small), (high, big) = self.excess[place - 1], self.excess[place]
        part = min(max((likelihood - low) / (high - low), 0.0), 1.0)
        return small + (big - small) * part


def region(country: str | None, name: str | None) -> str | None:
    """A region as lanes name it; a country where no more is known."""
    return f"{country or ''}-{name}" if name else country


def told(model: Model) -> dict[str, Any]:
    """As it is stored; `read` reads it."""
    return {
        "learned_at": model.learned_at.isoformat(),
        "parcels": model.parcels,
        "week": model.week.days,
        "days": model.usual.days,
        "factors": {
            trait: {
                value: round(factor, 4)
                for value, factor in factors.items()
                if trait == "service" or abs(factor) >= LEAST_FACTOR
            }
            for trait, factors in model.usual.factors.items()
        },
        "excess": model.excess,
    }


def read(stored: Mapping[str, Any]) -> Model:
    """What `told` wrote."""
    return Model(
        datetime.fromisoformat(stored["learned_at"]),
        stored["parcels"],
        Week(tuple(stored["week"])),
        Usual(stored["days"], stored["factors"]),
        tuple((likelihood, factor) for likelihood, factor in stored["excess"]),
    )


def traits(journey: Journey) -> Iterator[tuple[str, str]]:
    """What a journey's length may depend on, as far as it is known."""
    if journey.distance_km is not None:
        yield "distance", str(bisect_left(DISTANCES_KM, journey.distance_km))
    if journey.origin and journey.destination:
        yield "lane", f"{journey.origin}>{journey.destination}"
    if journey.postal_code:
        yield "area", journey.postal_code[:3]
    yield "location", journey.location
    if journey.service:
        yield "service", journey.service
    at = journey.ordered_at
    yield "hour", f"{at.weekday()}{bisect_left(PARTS_OF_DAY, at.hour + 1)}"


# -- learning ----------------------------------------------------------------------------------------------------------


def learn(past: Sequence[Past], at: datetime) -> Model | None:
    """What the past says as of a moment; None where too little was delivered by then."""
    delivered = sum(1 for each in past if _delivered_by(each, at.toordinal()))
    if delivered < LEAST_DELIVERED:
        return None
    week = _week(past, at.toordinal())
    usual = _usual(past, at.toordinal(), week)
    return Model(at, delivered, week, usual, _excess(past, at.toordinal(), week, usual))


def _excess(past: Sequence[Past], day: int, week: Week, usual: Usual) -> tuple[tuple[float, float], ...]:
    """How likely a parcel takes at most which factor times what is usual, as things are now."""
    recent = [each for each in past if day - SURE_DAYS <= _ordered(each) < day]
    old = [each for each in recent if day - _ordered(each) > LOST_DAYS]
    lost = sum(1 for each in old if not _delivered_by(each, day)) / max(len(old), 1)
    told = _taken_by(recent, day, week, usual)
    (usually,) = _quantiles(told, SURE_HALF_LIFE_DAYS, (LATELY_SHARE,), 0.0)
    (lately,) = _quantiles(told, LATELY_HALF_LIFE_DAYS, (LATELY_SHARE,), 0.0)
    pace = (lately / usually) ** LATELY_TRUST
    factors = _quantiles(told, SURE_HALF_LIFE_DAYS, LIKELIHOODS, lost)
    return tuple((likelihood, factor * pace) for likelihood, factor in zip(LIKELIHOODS, factors, strict=True))


def _week(past: Sequence[Past], day: int) -> Week:
    """How much is delivered on each weekday."""
    counts = [1.0] * 7  # no weekday is impossible
    for each in past:
        if each.delivered is not None and _delivered_by(each, day) and day - _ordered(each) <= YEAR_DAYS:
            counts[each.delivered.weekday()] += 1
    return Week(tuple(count * 7 / sum(counts) for count in counts))


def _usual(past: Sequence[Past], day: int, week: Week) -> Usual:
    """Factors that multiply, each trait's learned in turn from what the others leave unexplained."""
    settled = [each for each in past if SETTLED_DAYS < day - _ordered(each) <= YEAR_DAYS and _delivered_by(each, day)]
    settled = [each for each in settled if _days(each) <= LONGEST_DAYS] or [e for e in past if _delivered_by(e, day)]
    weights = [0.5 ** ((day - _ordered(each)) / USUAL_HALF_LIFE_DAYS) for each in settled]
    rests = [log(max(_taken(each, week), 0.5)) for each in settled]
    base = sum(weight * rest for weight, rest in zip(weights, rests, strict=True)) / sum(weights)
    rests = [rest - base for rest in rests]
    described = [dict(traits(each.journey)) for each in settled]
    factors: dict[str, dict[str, float]] = {trait: {} for trait in DRAWN_BY}
    for _ in range(ROUNDS):
        for trait, drawn_by in DRAWN_BY.items():
            values = [each.get(trait) for each in described]
            rests = _add(rests, factors[trait], values)
            factors[trait] = _means(rests, weights, values, drawn_by)
            rests = _add(rests, {value: -factor for value, factor in factors[trait].items()}, values)
    return Usual(exp(base), factors)


def _add(rests: list[float], factors: Mapping[str, float], values: Sequence[str | None]) -> list[float]:
    get = factors.get
    return [rest + get(value, 0.0) for rest, value in zip(rests, values, strict=True)]  # type: ignore[arg-type]


def _means(
    rests: Sequence[float], weights: Sequence[float], values: Sequence[str | None], drawn_by: float
) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    counts: dict[str, float] = defaultdict(float)
    for rest, weight, value in zip(rests, weights, values, strict=True):
        if value is not None:
            sums[value] += weight * rest
            counts[value] += weight
    return {value: total / (counts[value] + drawn_by) for value, total in sums.items()}


Told = tuple[float, bool, int]
"""By what factor a parcel exceeds what is usual, whether it is still on its way, and how many days ago it was ordered."""


def _taken_by(recent: Iterable[Past], day: int, week: Week, usual: Usual) -> list[Told]:
    """What parcels tell, those that took least first. What is still on its way has taken at least so long by now."""
    told = []
    for each in recent:
        age, arrived = day - _ordered(each), _delivered_by(each, day)
        if arrived or age <= LOST_DAYS:
            until = each.delivered.toordinal() if arrived and each.delivered else day - 1
            taken = week.position(until) - week.position(_ordered(each))
            told.append((max(taken, 0.1) / usual.of(each.journey) ** STRETCH, not arrived, age))
    return sorted(told)


def _quantiles(told: Sequence[Told], half_life: float, likelihoods: Sequence[float], lost: float) -> list[float]:
    """By Kaplan and Meier: the factors that so many of the parcels that do arrive keep to."""
    weights = [0.5 ** (age / half_life) for _, _, age in told]
    at_risk, still_out = sum(weights), 1.0
    found: list[float] = []
    wanted = iter(likelihoods)
    likelihood = next(wanted)
    for (factor, on_its_way, _), weight in zip(told, weights, strict=True):
        if not on_its_way and at_risk > 0:
            still_out *= max(1 - weight / at_risk, 0.0)
        at_risk -= weight
        while still_out - lost <= (1 - likelihood) * (1 - lost):
            found.append(factor)
            likelihood = next(wanted, 2.0)
            if likelihood > 1:
                return found
    longest = told[-1][0]
    return found + [longest] * (len(likelihoods) - len(found))


def _ordered(past: Past) -> int:
    return past.journey.ordered_at.toordinal()


def _days(past: Past) -> int:
    assert past.delivered is not None
    return past.delivered.toordinal() - _ordered(past)


def _taken(past: Past, week: Week) -> float:
    """Delivery days from the order to the delivery."""
    assert past.delivered is not None
    return week.position(past.delivered.toordinal()) - week.position(_ordered(past))


def _delivered_by(past: Past, day: int) -> bool:
    """Whether it had been delivered before that day began."""
    return past.delivered is not None and past.delivered.toordinal() < day
