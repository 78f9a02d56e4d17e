"""Work items: units of work for people and other systems. Who may take one on, for how long, and how it ends.

`ready_at` ends two states by itself: a lease that runs out, and the delay after a failure, leave an item that is ready
again, for readers from that moment on. Whatever is decided about an item first puts that on record.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from domain.acts import Act
from domain.events import Event, EventType
from domain.ids import new_id
from domain.lifecycle import Lifecycle, Step, steps
from domain.model import WorkItem, replace
from domain.refusals import InvalidInput, WorkItemNotLeased
from domain.words import Word


class WorkItemStatus(Word):
    """Where a work item stands."""

    READY = "READY", "Waits in its queue for whoever claims it."
    LEASED = "LEASED", "Somebody is at it until the lease runs out; then it is ready again."
    DONE = "DONE", "It is done."
    FAILED = "FAILED", "The last attempt failed; after a delay it is ready again."
    DEAD = "DEAD", "The last attempt that was allowed failed; somebody has to decide."


class WorkItemAction(Word):
    """What can be done with a work item, which begins its life ready."""

    CLAIM = "CLAIM", "Take it on for a while."
    EXTEND = "EXTEND", "Take more time for it."
    COMPLETE = "COMPLETE", "Say that it is done."
    FAIL = "FAIL", "Say that it did not work out this time."
    GIVE_UP = "GIVE_UP", "The same, at the last attempt that is allowed."
    RETURN = "RETURN", "Its time is up: the lease ran out, or the delay after a failure is over."
    REASSIGN = "REASSIGN", "Give it to another queue, person, skill or time, whoever is at it."
    RETRY = "RETRY", "Let it be attempted anew."


_READY = WorkItemStatus.READY
_LEASED = WorkItemStatus.LEASED
_FAILED = WorkItemStatus.FAILED
_DEAD = WorkItemStatus.DEAD

WORK_ITEM = Lifecycle(
    "work item",
    _READY,
    (
        Step(_READY, WorkItemAction.CLAIM, _LEASED),
        Step(_LEASED, WorkItemAction.EXTEND, _LEASED),
        Step(_LEASED, WorkItemAction.COMPLETE, WorkItemStatus.DONE),
        Step(_LEASED, WorkItemAction.FAIL, _FAILED),
        Step(_LEASED, WorkItemAction.GIVE_UP, _DEAD),
        *steps((_LEASED, _FAILED), WorkItemAction.RETURN, _READY),
        *steps((_READY, _LEASED, _FAILED), WorkItemAction.REASSIGN, _READY),
        Step(_DEAD, WorkItemAction.RETRY, _READY),
    ),
)

PASSING: tuple[WorkItemStatus, ...] = WORK_ITEM.sources(WorkItemAction.RETURN)
"""States that end by themselves at `ready_at`."""
ENDED: tuple[WorkItemStatus, ...] = (_DEAD, WorkItemStatus.DONE)
"""States in which nobody is at it any more, as lists have them: what waits for a decision before what does not."""

PUT_BACK = "PUT_BACK"
"""Put units back on the shelf that were picked for what is called off. Done, they are available again."""
OURS = frozenset({PUT_BACK})
"""Kinds whose end moves something: nobody else may make them up."""

KIND = re.compile(r"[A-Z][A-Z0-9_]{0,49}")
QUEUE_LIMIT = 120
SKILLS_LIMIT = 20
SKILL_LIMIT = 50
PRIORITIES = range(-1_000, 1_001)
ATTEMPTS = range(1, 101)
USUAL_ATTEMPTS = 5
LEASE_SECONDS = range(1, 86_401)
USUAL_LEASE_SECONDS = 300
RETRY_SECONDS = range(86_400 * 7 + 1)
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 60, 3_600

OF_LOCATION = "location"
OF_CALL_CENTER = "call-center"


# -- queues --------------------------------------------------------------------------------------------------------


def queue_of(code: str) -> str:
    """The queue of a location, by its code."""
    return f"{OF_LOCATION}:{code}"


def code_of(queue: str) -> str | None:
    """The code of the location whose queue it is; None for other queues."""
    family, _, code = queue.partition(":")
    return code if family == OF_LOCATION else None


def family_of(queue: str) -> str:
    """What stands before the colon: queues of one family are for the same people."""
    return queue.partition(":")[0]


def queue_name(given: str) -> str:
    """A queue's name as it is kept."""
    if given != given.strip() or not 1 <= len(given) <= QUEUE_LIMIT or given.startswith(":"):
        raise InvalidInput(f"a queue's name has 1 to {QUEUE_LIMIT} characters", field=("queue",))
    return given


# -- what is put in ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item waits."""

    queue: str
    location_id: UUID | None


@dataclass(frozen=True, slots=True)
class Concerns:
    """What an item is about, and the ids that its events carry."""

    subject_type: str | None = None
    subject_id: UUID | None = None
    order_id: UUID | None = None
    customer_id: UUID | None = None
    channel_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What whoever puts work in, or moves it, says of it."""

    priority: int | None = None
    due_at: datetime | None = None
    required_skills: Sequence[str] | None = None
    assigned_to: str | None = None

    def told(self) -> dict[str, Any]:
        """The columns that it gives a value. A blank assignee is nobody in particular."""
        given = {name: getattr(self, name) for name in ("priority", "due_at") if getattr(self, name) is not None}
        if self.required_skills is not None:
            given["required_skills"] = skills(self.required_skills, "requiredSkills")
        if self.assigned_to is not None:
            given["assigned_to"] = self.assigned_to.strip() or None
        within(given.get("priority", 0), PRIORITIES, "priority")
        return given


def within(number: int, bounds: range, place: str) -> int:
    """A number between bounds, or a refusal."""
    if number not in bounds:
        raise InvalidInput(f"{bounds[0]:,} to {bounds[-1]:,}, not {number:,}", field=(place,))
    return number


def later(now: datetime, seconds: int) -> datetime:
    """The moment so many seconds later."""
    return now + timedelta(seconds=seconds)


def skills(given: Sequence[str], place: str) -> list[str]:
    """Skills as they are kept: each once, in order."""
    found = sorted({skill.strip() for skill in given})
    if len(found) > SKILLS_LIMIT or any(not 1 <= len(skill) <= SKILL_LIMIT for skill in found):
        raise InvalidInput(f"at most {SKILLS_LIMIT} skills of 1 to {SKILL_LIMIT} characters", field=(place,))
    return found


def kind_of(given: str) -> str:
    """A kind that others may give."""
    if not KIND.fullmatch(given):
        raise InvalidInput("a kind is written in capitals, such as COUNT_SHELF; at most 50", field=("kind",))
    if given in OURS:
        raise InvalidInput(f"{given} is made by what it follows from, and by nobody else", field=("kind",))
    return given


def create(
    kind: str,
    place: Place,
    concerns: Concerns,
    wish: Wish,
    now: datetime,
    act: Act,
    *,
    max_attempts: int = USUAL_ATTEMPTS,
    payload: Any = None,
    note: str | None = None,
) -> tuple[WorkItem, Event]:
    """Put work into a queue. `now` is the database's moment, which leases go by."""
    item = WorkItem(
        id=new_id(),
        kind=kind,
        queue=place.queue,
        status=WORK_ITEM.initial.value,
        priority=0,
        max_attempts=within(max_attempts, ATTEMPTS, "maxAttempts"),
        ready_at=now,
        created_at=act.at,
        location_id=place.location_id,
        subject_type=concerns.subject_type,
        subject_id=concerns.subject_id,
        order_id=concerns.order_id,
        customer_id=concerns.customer_id,
        channel_id=concerns.channel_id,
        payload=payload,
        note=note,
    )
    item = replace(item, **wish.told())
    return _told(item, EventType.WORK_ITEM_CREATED, "is to be done", priority=item.priority, dueAt=item.due_at)


def _told(item: WorkItem, type_: EventType, what: str, **data: Any) -> tuple[WorkItem, Event]:
    """The item, counting one event more, and that event."""
    item = replace(item, event_sequence=item.event_sequence + 1)
    return item, Event(
        type_,
        "WorkItem",
        item.id,
        f"{item.kind} in {item.queue} {what}.",
        data={"kind": item.kind, "queue": item.queue, "attempts": item.attempts, **data},
        customer_id=item.customer_id,
        order_id=item.order_id,
        location_id=item.location_id,
        channel_id=item.channel_id,
        sequence=item.event_sequence,
    )


# -- leases --------------------------------------------------------------------------------------------------------

Turned = tuple[WorkItem, list[Event]]
"""An item as a decision leaves it, and what is told of it."""

FREE: dict[str, Any] = {"lease": None, "leased_by": None, "leased_by_kind": None, "leased_by_name": None}


LEASES = UUID("6a2f6b9e-5d0c-4f0e-9f43-0d1c3f7b8a55")
"""The namespace of leases (RFC 9562 §5.5)."""


def lease_of(subject: str, key: str) -> UUID:
    """The mark that a claim leaves: the same however often the claim is sent, so that a twin knows its own from another's."""
    return uuid5(LEASES, f"{subject}\n{key}")


def as_of(item: WorkItem, now: datetime) -> Turned:
    """The item as it stands now: whose time is up is ready, and that is told."""
    if item.status not in PASSING or item.ready_at > now:
        return item, []
    ran_out = item.status == WorkItemStatus.LEASED
    status = WORK_ITEM.after(WorkItemStatus(item.status), WorkItemAction.RETURN)
    why = f"is back: the lease of {item.leased_by_name} ran out" if ran_out else "is back after a failure"
    told = {"leasedBy": item.leased_by_name} if ran_out else {}
    item, event = _told(replace(item, status=status.value, **FREE), EventType.WORK_ITEM_READY, why, **told)
    return item, [event]


def claim(item: WorkItem, can: Sequence[str], lease: UUID, now: datetime, until: datetime, act: Act) -> Turned:
    """Take it on until a moment. Refused: what is not ready, is meant for somebody else, or needs other skills."""
    item, events = as_of(item, now)
    status = WORK_ITEM.after(WorkItemStatus(item.status), WorkItemAction.CLAIM)
    if item.assigned_to not in (None, act.actor_id):
        raise InvalidInput("it is assigned to somebody else", field=("id",))
    if missing := set(item.required_skills) - set(can):
        raise InvalidInput(f"it needs {', '.join(sorted(missing))}", field=("skills",))

    item = replace(
        item,
        status=status.value,
        attempts=item.attempts + 1,
        ready_at=until,
        lease=lease,
        leased_by=act.actor_id,
        leased_by_kind=act.actor_kind,
        leased_by_name=act.actor_name,
    )
    item, event = _told(
        item,
        EventType.WORK_ITEM_CLAIMED,
        f"was taken on by {act.actor_name}",
        leasedBy=act.actor_name,
        leasedUntil=until,
    )
    return item, [*events, event]


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who says something of an item that is leased: the holder, by name and mark; `oversees` all who do for everyone."""

    subject: str
    lease: str | None = None
    oversees: bool = False

    def holds(self, item: WorkItem) -> bool:
        """Whether the lease is theirs to speak of. A mark that is given must be the item's, whoever gives it."""
        mine = self.oversees or item.leased_by == self.subject
        return mine and self.lease in (None, str(item.lease))


def _held(item: WorkItem, who: Claimant, now: datetime) -> WorkItem:
    """The item, if it is leased to whoever speaks. A lease that ran out is lost, whether or not another has it."""
    standing, _ = as_of(item, now)
    if standing.status != WorkItemStatus.LEASED or not who.holds(standing):
        raise WorkItemNotLeased(standing.status, standing.leased_by_name, field=("id",))
    return item


def extend(item: WorkItem, who: Claimant, now: datetime, until: datetime) -> Turned:
    """Keep it until another moment."""
    item = replace(_held(item, who, now), ready_at=until)
    item, event = _told(item, EventType.WORK_ITEM_EXTENDED, "takes longer", leasedUntil=until)
    return item, [event]


def complete(item: WorkItem, who: Claimant, result: Any, now: datetime, act: Act) -> Turned:
    """It is done."""
    item = _held(item, who, now)
    status = WORK_ITEM.after(WorkItemStatus(item.status), WorkItemAction.COMPLETE)
    item = replace(item, status=status.value, result=result, failure=None, closed_at=act.at, **FREE)
    item, event = _told(item, EventType.WORK_ITEM_COMPLETED, f"was done by {act.actor_name}")
    return item, [event]


def fail(item: WorkItem, who: Claimant, reason: str, retry_seconds: int | None, now: datetime, act: Act) -> Turned:
    """It did not work out: it comes back after a delay, or, after the last attempt, stays until somebody decides."""
    if not reason.strip():
        raise InvalidInput("say why", field=("reason",))
    item = _held(item, who, now)
    told = {"reason": reason.strip()}
    item = replace(item, failure=reason.strip())
    if item.attempts >= item.max_attempts:
        status = WORK_ITEM.after(WorkItemStatus(item.status), WorkItemAction.GIVE_UP)
        item = replace(item, status=status.value, closed_at=act.at, **FREE)
        item, event = _told(item, EventType.WORK_ITEM_DEAD, f"failed for the last time: {reason.strip()}", **told)
        return item, [event]
    seconds = _delay(item.attempts) if retry_seconds is None else within(retry_seconds, RETRY_SECONDS, "retrySeconds")
    status = WORK_ITEM.after(WorkItemStatus(item.status), WorkItemAction.FAIL)
    item = replace(item, status=status.value, ready_at=now + timedelta(seconds=seconds), **FREE)
    item, event = _told(item, EventType.WORK_ITEM_FAILED, f"failed: {reason.strip()}", **told, retryAt=item.ready_at)
    return item, [event]


def _delay(attempts: int) -> int:
    """Seconds until the next attempt: twice as long each time, up to an hour."""
    doublings = min(attempts - 1, 10)
    return min(FIRST_RETRY_SECONDS << doublings, LONGEST_RETRY_SECONDS)


# -- deciding anew ---------------------------------------------------------------------------------------------------


def reassign(item: WorkItem, place: Place | None, wish: Wish, now: datetime) -> Turned:
    """Give it to others, or another rank: it is ready at once. Whoever was at it has no say any more."""
    item, events = as_of(item, now)
    status = WORK_ITEM.after(WorkItemStatus(item.status), WorkItemAction.REASSIGN)
    where: dict[str, Any] = {"queue": place.queue, "location_id": place.location_id} if place else {}
    before = item.queue
    item = replace(item, status=status.value, ready_at=now, **where, **wish.told(), **FREE)
    item, event = _told(item, EventType.WORK_ITEM_REASSIGNED, "was reassigned", fromQueue=before)
    return item, [*events, event]


def retry(item: WorkItem, now: datetime) -> Turned:
    """Let a dead item be attempted anew, as often as at first."""
    status = WORK_ITEM.after(WorkItemStatus(item.status), WorkItemAction.RETRY)
    item = replace(item, status=status.value, attempts=0, ready_at=now, closed_at=None)
    item, event = _told(item, EventType.WORK_ITEM_RETRIED, "is attempted anew")
    return item, [event]
