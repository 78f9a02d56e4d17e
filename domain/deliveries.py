"""Deliveries of webhooks: what is sent, when it is tried again, and what an answer means."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from hashlib import sha256
from random import uniform
from typing import Any, Protocol
from uuid import UUID

from domain import ids
from domain.webhooks import DeliveryStatus, WebhookFormat

PING = "PING"
DELAYS = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200)
"""Seconds before each further attempt; the last one again and again."""
JITTER = 0.2
GIVE_UP = timedelta(days=3)
LONGEST_RETRY_AFTER = 6 * 3_600.0
EXCERPT_BYTES = 1_000
GONE = 410

BREAKS_AFTER = 10
"""Failures in a row, of whatever subject, after which an endpoint's deliveries are held."""
FIRST_HOLD_SECONDS = 30
LONGEST_HOLD_SECONDS = 900
PROBE_SECONDS = 20
"""How long the one that was let through may take to tell how it went; longer than any attempt."""

SOURCE = "/ordergraph"
CONTENT_TYPES = {
    WebhookFormat.STANDARD: "application/json",
    WebhookFormat.CLOUDEVENTS: "application/cloudevents+json; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt: a status and the answer's beginning, or why there is none."""

    status: int | None = None
    excerpt: str | None = None
    error: str | None = None
    retry_after: str | None = None


class Courier(Protocol):
    """Takes a body to a URL, and never raises: an attempt that fails is an answer too."""

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The receiver's answer."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it is told: what a body is made of."""

    id: int
    type: str
    subject_type: str
    subject_id: UUID
    sequence: int
    message: str
    order_id: UUID | None
    customer_id: UUID | None
    location_id: UUID | None
    channel_id: UUID | None
    variant_id: UUID | None
    data: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime

    @property
    def subject(self) -> str:
        """The subject's id as clients know it."""
        return ids.encode(self.subject_type, self.subject_id)


def delivery_id(endpoint_id: UUID, event_id: int, recorded_at: datetime) -> UUID:
    """The id under which an endpoint hears of an event, today and in any replay.

    A UUIDv7 of the event's moment whose other bits follow from the two, so that even a delivery that was forgotten comes
    again under its old id.
    """
    millis = int(recorded_at.timestamp() * 1_000)
    drawn = int.from_bytes(sha256(endpoint_id.bytes + event_id.to_bytes(8, "big")).digest()[:10], "big")
    return UUID(int=(millis << 80) | (0x7 << 76) | (drawn >> 68 << 64) | (0b10 << 62) | (drawn & 0x3FFFFFFFFFFFFFFF))


# -- what is sent ------------------------------------------------------------------------------------------------------


def data_of(told: Told, *, particulars: bool) -> dict[str, Any]:
    """What is told of an event, by the names that the graph's Event has. Its particulars need a scope of their own."""
    concerned = {
        f"{name}Id": ids.encode(name.capitalize(), key)
        for name in ("order", "customer", "location", "channel", "variant")
        if (key := getattr(told, f"{name}_id")) is not None
    }
    return {
        "id": ids.encode("Event", told.id),
        "sequence": told.sequence,
        "message": told.message,
        "subject": {"type": told.subject_type, "id": told.subject},
        **concerned,
        "recordedAt": told.recorded_at,
        **({"data": told.data} if particulars else {}),
    }


def body_of(format_: str, delivery: UUID, told: Told | None, data: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The body of a delivery; of a ping, where no event is told."""
    type_, moment = (told.type, told.occurred_at) if told else (PING, now)
    if format_ == WebhookFormat.STANDARD:
        return {"type": type_, "timestamp": moment, "data": data}
    event = {
        "specversion": "1.0",
        "id": ids.encode("Event", told.id) if told else ids.encode("WebhookDelivery", delivery),
        "source": SOURCE,
        "type": type_,
        "time": moment,
        "datacontenttype": "application/json",
        "data": data,
    }
    return {**event, "subject": told.subject} if told else event


# -- what an answer means ----------------------------------------------------------------------------------------------


class Meaning(Enum):
    """What follows from an attempt."""

    ARRIVED = auto()
    AGAIN = auto()
    GIVEN_UP = auto()
    UNWANTED = auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from an attempt, and how many seconds later it is tried again."""

    meaning: Meaning
    seconds: float | None = None
    error: str | None = None

    @property
    def status(self) -> DeliveryStatus:
        """How the delivery stands."""
        return STATUSES[self.meaning]


STATUSES = {
    Meaning.ARRIVED: DeliveryStatus.DELIVERED,
    Meaning.AGAIN: DeliveryStatus.PENDING,
    Meaning.GIVEN_UP: DeliveryStatus.DEAD,
    Meaning.UNWANTED: DeliveryStatus.DEAD,
}


def judge(answer: Answer, *, tries: int, queued_at: datetime, now: datetime, once: bool = False) -> Verdict:
    """What follows from an answer to the attempt that makes it so many `tries`; a ping is tried `once`."""
    if answer.status is not None and 200 <= answer.status < 300:
        return Verdict(Meaning.ARRIVED)
    error = answer.error or _said(answer.status)
    if answer.status == GONE and not once:
        return Verdict(Meaning.UNWANTED, error=error)
    seconds = delay(tries, _asked_to_wait(answer.retry_after, now))
    if once or now + timedelta(seconds=seconds) > queued_at + GIVE_UP:
        return Verdict(Meaning.GIVEN_UP, error=error)
    return Verdict(Meaning.AGAIN, seconds, error)


def _said(status: int | None) -> str:
    moved = status is not None and 300 <= status < 400
    return f"the receiver answered {status}{', and redirects are not followed' if moved else ''}"


def delay(tries: int, asked: float = 0.0) -> float:
    """How long to wait after so many tries: as the schedule has it, or as the receiver asked if that is longer."""
    scheduled = DELAYS[min(tries, len(DELAYS)) - 1]
    return max(uniform(scheduled * (1 - JITTER), scheduled * (1 + JITTER)), asked)  # noqa: S311 - spread, not secrecy


def _asked_to_wait(header: str | None, now: datetime) -> float:
    """Seconds that a Retry-After asks for, within bounds; 0 where it says nothing that we understand."""
    if not header:
        return 0.0
    if header.strip().isdecimal():
        return min(float(header), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def expired(queued_at: datetime, now: datetime) -> bool:
    """Whether a delivery has waited for so long that nobody tries any more."""
    return now > queued_at + GIVE_UP
