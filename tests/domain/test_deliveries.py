"""Deliveries: when they are tried again, what an answer means, under which id an event comes."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain import deliveries
from domain.deliveries import DELAYS, GIVE_UP, JITTER, Answer, Meaning, Verdict, delivery_id, judge
from domain.ids import new_id
from domain.webhooks import DeliveryStatus

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def verdict(answer: Answer, tries: int = 1, *, waited: timedelta = timedelta(), once: bool = False) -> Verdict:
    return judge(answer, tries=tries, queued_at=NOW - waited, now=NOW, once=once)


def seconds(answer: Answer, tries: int = 1) -> float:
    found = verdict(answer, tries).seconds
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("answer", "meaning", "error"),
    [
        (Answer(200), Meaning.ARRIVED, None),
        (Answer(299), Meaning.ARRIVED, None),
        (Answer(302), Meaning.AGAIN, "the receiver answered 302, and redirects are not followed"),
        (Answer(404), Meaning.AGAIN, "the receiver answered 404"),
        (Answer(410), Meaning.UNWANTED, "the receiver answered 410"),
        (Answer(error="no answer"), Meaning.AGAIN, "no answer"),
    ],
)
def test_an_answer_means_one_thing(answer: Answer, meaning: Meaning, error: str | None) -> None:
    found = verdict(answer)
    assert (found.meaning, found.error) == (meaning, error)
    assert (found.seconds is not None) == (meaning is Meaning.AGAIN)


def test_a_ping_is_tried_once_and_disables_nothing() -> None:
    for answer in (Answer(500), Answer(410), Answer(error="no answer")):
        assert verdict(answer, once=True).status is DeliveryStatus.DEAD
        assert verdict(answer, once=True).meaning is Meaning.GIVEN_UP


@pytest.mark.parametrize("tries", range(1, 20))
def test_delays_grow_and_are_spread(tries: int) -> None:
    scheduled = DELAYS[min(tries, len(DELAYS)) - 1]
    drawn = {seconds(Answer(500), tries) for _ in range(50)}
    assert len(drawn) > 1
    assert all(scheduled * (1 - JITTER) <= each <= scheduled * (1 + JITTER) for each in drawn)


def test_three_days_are_filled_with_attempts_and_then_it_is_dead() -> None:
    waited, tries = timedelta(), 1
    while (found := verdict(Answer(500), tries, waited=waited)).meaning is Meaning.AGAIN:
        assert found.seconds is not None
        waited, tries = waited + timedelta(seconds=found.seconds), tries + 1
    assert found.meaning is Meaning.GIVEN_UP
    assert GIVE_UP - timedelta(hours=15) < waited <= GIVE_UP
    assert 12 <= tries <= 18


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("120", 120, 120),
        ("1", 4, 6),
        ("9999999", deliveries.LONGEST_RETRY_AFTER, deliveries.LONGEST_RETRY_AFTER),
        ("Fri, 02 Jan 2026 03:05:05 GMT", 60, 60),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 4, 6),
        ("soon", 4, 6),
        ("-5", 4, 6),
        ("²", 4, 6),
    ],
)
def test_a_receiver_may_ask_to_be_left_alone_for_a_while(header: str, least: float, most: float) -> None:
    assert least <= seconds(Answer(429, retry_after=header)) <= most


def test_an_event_has_one_id_for_each_endpoint_and_it_is_a_uuid_of_its_moment() -> None:
    one, other = new_id(), new_id()
    found = delivery_id(one, 7, NOW)
    assert found == delivery_id(one, 7, NOW)
    assert len({found, delivery_id(other, 7, NOW), delivery_id(one, 8, NOW)}) == 3
    assert found.version == 7
    assert found.variant == UUID(int=new_id().int).variant
    assert found.int >> 80 == int(NOW.timestamp() * 1_000)
