"""Work items: what people and other systems have to do, in queues."""

from collections.abc import Iterable
from datetime import datetime
from enum import Enum

import strawberry
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Text,
    Uuid,
    and_,
    any_,
    case,
    func,
    literal_column,
    tuple_,
)

from domain import ids
from domain.store import tables as t
from domain.store import visibility
from domain.viewer import Scope, Viewer
from domain.work import ENDED, PASSING, SKILLS_LIMIT, WORK_ITEM, WorkItemAction, WorkItemStatus
from resolvers.reading.actions import available_actions
from resolvers.reading.arguments import Argument
from resolvers.reading.mapping import Condition, Row, Sort, Subject, Values, by_viewer, column, inline, one, reads
from schema.common import JSON, Actor, Node, SortDirection, entity, id_of, words
from schema.stock import Location

words(WorkItemStatus)
words(WorkItemAction)


def _passed(row: Row) -> ColumnElement[bool]:
    """Whether its lease ran out or its delay is over: `domain.work.as_of` as SQL."""
    return and_(row.c.status.in_([status.value for status in PASSING]), row.c.ready_at <= func.now())


def _status(row: Row) -> ColumnElement[str]:
    """The status now, whether or not anybody has put it on record."""
    return case((_passed(row), WorkItemStatus.READY.value), else_=row.c.status)


def _while(row: Row, status: WorkItemStatus, column_: ColumnElement[object]) -> ColumnElement[object]:
    return case((_status(row) == status.value, column_))


def _leased_until(row: Row) -> ColumnElement[object]:
    return _while(row, WorkItemStatus.LEASED, row.c.ready_at)


def _holder(row: Row) -> Values:
    return Values(kind=row.c.leased_by_kind, name=row.c.leased_by_name)


WORK_SCOPES = {
    WorkItemAction.CLAIM: Scope.WORK_WRITE,
    WorkItemAction.EXTEND: Scope.WORK_WRITE,
    WorkItemAction.COMPLETE: Scope.WORK_WRITE,
    WorkItemAction.FAIL: Scope.WORK_WRITE,
    WorkItemAction.REASSIGN: Scope.WORK_ASSIGN,
    WorkItemAction.RETRY: Scope.WORK_ASSIGN,
}


def _actions(row: Row, viewer: Viewer) -> ColumnElement[object]:
    return available_actions(WORK_ITEM, WORK_SCOPES, Values(status=_status(row)), viewer, {})


@strawberry.type(
    description="One unit of work for a person or another system: it waits in a queue, and is leased to one."
)
@entity(t.work_items, visibility.work_items)
class WorkItem(Node):
    """A work item."""

    id: strawberry.ID = id_of("WorkItem")
    kind: str = column("kind", "What sort of work it is, such as PUT_BACK.")
    queue: str = column("queue", "Where it waits: location:CODE is a location's, call-center is the call centre's.")
    status: WorkItemStatus = column(_status, "Where it stands, now: an item whose lease ran out is ready.")
    priority: int = column("priority", "The higher, the sooner; 0 is usual.")
    due_at: datetime | None = column("due_at", "When it should be done; null: whenever there is time.")
    required_skills: list[str] = column(
        lambda row: row.c.required_skills[1:SKILLS_LIMIT], "What whoever does it must be able to do; at most 20."
    )
    assigned_to: str | None = column("assigned_to", "The only one who may claim it; null: everybody who can.")
    location: Location | None = one(
        lambda row, place: place.c.id == row.c.location_id, "The location whose staff see it; null where it is of none."
    )
    subject: Node | None = reads(
        Subject(lambda row, _arguments: row.c.subject_type, lambda row, _arguments: row.c.subject_id),
        "What it is about, as it is now; null where it is about no object, or one that you may not see.",
    )
    payload: JSON | None = column("payload", "What whoever does it needs to know.")
    note: str | None = column("note", "A sentence for people.")
    attempts: int = column("attempts", "How often it was claimed.")
    max_attempts: int = column("max_attempts", "After how many attempts a failure is the last.")
    leased_until: datetime | None = column(_leased_until, "Until when somebody is at it; null where nobody is.")
    leased_by: Actor | None = inline(_holder, "Who is at it; null where nobody is.", present=_leased_until)
    retry_at: datetime | None = column(
        lambda row: _while(row, WorkItemStatus.FAILED, row.c.ready_at), "When it comes back after a failure; else null."
    )
    failure: str | None = column("failure", "Why the last attempt failed; null where none did.")
    result: JSON | None = column("result", "What came of it.")
    created_at: datetime = column("created_at", "Since when it is to be done.")
    closed_at: datetime | None = column("closed_at", "When it was done, or given up; null while it is neither.")
    version: int = column("version", "Grows with every change.")
    available_actions: list[WorkItemAction] = by_viewer(
        _actions,
        "What you may do next; the lease's holder alone, and operations, may extend, complete and fail it; at most 10.",
    )


# -- lists -----------------------------------------------------------------------------------------------------------


@strawberry.enum(description="What work items can be sorted by.")
class WorkItemSortKey(Enum):
    """Sort keys; each has its indexes."""

    URGENCY = strawberry.enum_value(
        "URGENCY",
        description="What is still to be done first; by priority, then by what is due, then by age: as it is claimed.",
    )


@strawberry.input(description="How to sort work items.")
class WorkItemSort:
    """A sort key and its direction."""

    by: WorkItemSortKey = strawberry.field(description="The key.")
    direction: SortDirection | None = strawberry.field(default=None, description="The most urgent first if left out.")


@strawberry.input(description="Which work items; what is given must hold together.")
class WorkItemFilter:
    """A filter of work."""

    queue: str | None = strawberry.field(default=None, description="Of this queue.")
    kind: str | None = strawberry.field(default=None, description="Of this kind.")
    status: list[WorkItemStatus] | None = strawberry.field(default=None, description="In one of these, now.")
    location_id: strawberry.ID | None = strawberry.field(default=None, description="Of this location.")
    skills: list[str] | None = strawberry.field(
        default=None, description="That somebody can do who can do this, and nothing else."
    )
    subject_id: strawberry.ID | None = strawberry.field(default=None, description="About this object.")
    due_before: datetime | None = strawberry.field(default=None, description="Due before this moment.")


def _ranks(statuses: Iterable[WorkItemStatus] | None) -> list[int]:
    """Where statuses lie in the order of urgency."""
    return [ENDED.index(status) + 1 if status in ENDED else 0 for status in statuses or ()] or [0]


def _first_urgency(statuses: Iterable[WorkItemStatus] | None) -> int:
    return min(_ranks(statuses)) * t.RANK - t.RANK // 2


def _urgency_beyond(statuses: Iterable[WorkItemStatus] | None) -> int:
    return max(_ranks(statuses)) * t.RANK + t.RANK // 2


BEGINNING: ColumnElement[object] = literal_column("'-infinity'::timestamptz")


def _in_status(row: FromClause, given: Argument) -> ColumnElement[bool]:
    """By the status now, which no index has; but what is to be done, dead and done lie apart in urgency."""
    # Compared as rows: of a range whose ends it does not know, PostgreSQL expects too few to read them in order.
    place = tuple_(row.c.urgency, row.c.due_by)
    first, beyond = (tuple_(given.bind(Integer(), edge), BEGINNING) for edge in (_first_urgency, _urgency_beyond))
    among = (place >= first) & (place < beyond)
    return (_status(row) == any_(given.bind(ARRAY(Text)))) & among


def _due_before(row: FromClause, given: Argument) -> ColumnElement[bool]:
    """What is never due has a moment in the index alone, and is due before none."""
    moment = given.bind(DateTime(timezone=True))
    return and_(row.c.due_at < moment, row.c.due_by < moment)


WORK_FILTERS: dict[str, Condition] = {
    "queue": lambda row, given: row.c.queue == given.bind(Text()),
    "kind": lambda row, given: row.c.kind == given.bind(Text()),
    "status": _in_status,
    "locationId": lambda row, given: row.c.location_id == given.key("Location"),
    "skills": lambda row, given: row.c.required_skills.contained_by(given.bind(ARRAY(Text))),
    "subjectId": lambda row, given: row.c.subject_id == given.bind(Uuid(), ids.key_of),
    "dueBefore": _due_before,
}

WORK_SORTS: dict[str, tuple[Sort, bool]] = {
    "URGENCY": (lambda row: [row.c.urgency, row.c.due_by, row.c.id], False),
}
