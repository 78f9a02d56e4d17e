"""Delivery promises: what is learned from a past that we make up, and what is promised by it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

import orjson
import pytest

from domain.promises import LEAST_DELIVERED, Journey, Model, Past, Week, learn, read, told

NOW = datetime(2018, 6, 1)  # noqa: DTZ001 - local, as the learner wants it
NEAR, FAR = "BR-SP", "BR-AM"


def journey(at: datetime, location: str = "sp", to: str = NEAR) -> Journey:
    return Journey(at, location, NEAR, to, "01310-100" if to == NEAR else "69005-010", 20.0 if to == NEAR else 2_700.0)


def past(takes: Callable[[Journey, Random], int], *, days: int = 200, a_day: int = 10, seed: int = 7) -> list[Past]:
    """Orders of many days, from two locations to two regions; `takes` tells the days until each is delivered."""
    random, orders = Random(seed), []
    for ago in range(days, 0, -1):
        for number in range(a_day):
            at = NOW - timedelta(days=ago, hours=random.randrange(12))
            each = journey(at, "sp" if number % 2 else "slow", NEAR if number % 4 < 2 else FAR)
            orders.append(Past(each, at.date() + timedelta(takes(each, random))))
    return orders


def far_takes_longer(each: Journey, random: Random) -> int:
    days = (2 if each.destination == NEAR else 9) + (3 if each.location == "slow" else 0)
    return days + random.choice((0, 0, 0, 0, 1, 1, 2, 5))


def learned(orders: list[Past], at: datetime = NOW) -> Model:
    model = learn(orders, at)
    assert model is not None
    return model


def length(model: Model, each: Journey, confidence: float = 0.95) -> int:
    return (model.promise(each, confidence).latest - each.ordered_at.date()).days


def test_what_is_far_is_promised_for_later_and_so_is_what_a_slow_location_ships() -> None:
    model = learned(past(far_takes_longer))
    near, slow, far = journey(NOW), journey(NOW, "slow"), journey(NOW, to=FAR)
    assert length(model, near) < length(model, slow) < length(model, far) < length(model, journey(NOW, "slow", FAR))


@pytest.mark.parametrize("confidence", [0.8, 0.9, 0.95])
def test_so_many_promises_are_kept_as_it_is_confident(confidence: float) -> None:
    orders = past(far_takes_longer, days=300)
    known, later = orders[:2_000], orders[2_000:]
    model = learned(known, later[0].journey.ordered_at.replace(hour=0))
    kept = [each.delivered <= model.promise(each.journey, confidence).latest for each in later if each.delivered]
    assert confidence - 0.05 <= sum(kept) / len(kept) <= min(confidence + 0.15, 1.0)


def test_more_confidence_is_never_an_earlier_day() -> None:
    model = learned(past(far_takes_longer))
    lengths = [length(model, journey(NOW), confidence / 200) for confidence in range(1, 200)]
    assert lengths == sorted(lengths)


def test_nothing_is_promised_on_a_day_on_which_nothing_is_delivered() -> None:
    def on_working_days(each: Journey, random: Random) -> int:
        day = each.ordered_at.date() + timedelta(far_takes_longer(each, random))
        return (
            (day - each.ordered_at.date()).days
            + max(0, 7 - day.isoweekday()) * (day.isoweekday() > 5)
            + (day.isoweekday() > 5)
        )

    model = learned(past(on_working_days))
    ends = {model.promise(journey(NOW + timedelta(days)), 0.9).latest.isoweekday() for days in range(28)}
    assert ends <= {1, 2, 3, 4, 5}


def test_what_is_still_on_its_way_counts_as_having_taken_so_long_already() -> None:
    """Otherwise only the quick ones of the last weeks would be known, and everything would seem to be quick."""
    orders = past(far_takes_longer)
    day = NOW.date()
    stuck = [
        replace(each, delivered=None) if each.journey.ordered_at.date() > day - timedelta(30) else each
        for each in orders
    ]
    assert length(learned(stuck), journey(NOW)) > length(learned(orders), journey(NOW))


def test_what_is_lost_lengthens_no_promise() -> None:
    orders = past(far_takes_longer)
    lost = [replace(each, delivered=None) if number % 25 == 0 else each for number, each in enumerate(orders)]
    assert abs(length(learned(lost), journey(NOW)) - length(learned(orders), journey(NOW))) <= 1


def test_the_past_that_was_not_known_yet_teaches_nothing() -> None:
    orders = past(far_takes_longer)
    middle = NOW - timedelta(days=60)
    until_then = [
        replace(each, delivered=each.delivered if each.delivered and each.delivered < middle.date() else None)
        for each in orders
        if each.journey.ordered_at < middle
    ]
    assert told(learned(orders, middle)) == told(learned(until_then, middle))


def test_slower_days_lengthen_promises_within_days() -> None:
    def slower_lately(each: Journey, random: Random) -> int:
        return far_takes_longer(each, random) * (2 if each.ordered_at > NOW - timedelta(days=21) else 1)

    assert length(learned(past(slower_lately)), journey(NOW)) > length(learned(past(far_takes_longer)), journey(NOW))


def test_from_too_little_nothing_is_learned() -> None:
    few = past(far_takes_longer, days=LEAST_DELIVERED // 10)
    assert learn(few, NOW) is None
    assert learn([], NOW) is None


def test_whoever_was_never_seen_is_promised_what_is_usual() -> None:
    model = learned(past(far_takes_longer))
    stranger = Journey(NOW, "new", None, None, None, None)
    assert length(model, journey(NOW)) < length(model, stranger) < length(model, journey(NOW, "slow", FAR))


def test_what_was_learned_can_be_stored() -> None:
    model = learned(past(far_takes_longer))
    again = read(orjson.loads(orjson.dumps(told(model))))
    for to in (NEAR, FAR):
        assert again.promise(journey(NOW, to=to), 0.95) == model.promise(journey(NOW, to=to), 0.95)


def test_a_range_begins_before_it_ends_and_not_before_the_order() -> None:
    model = learned(past(lambda _each, _random: 0))
    promise = model.promise(journey(NOW), 0.95)
    assert NOW.date() <= promise.earliest <= promise.latest


def test_a_week_counts_forth_and_back() -> None:
    week = Week((1.5, 1.4, 1.3, 1.2, 1.1, 0.4, 0.1))
    for day in range(date(2018, 5, 1).toordinal(), date(2018, 6, 1).toordinal()):
        assert week.day(week.position(day)) == day
        assert week.position(day) > week.position(day - 1)
    assert week.position(8) - week.position(1) == pytest.approx(7)
