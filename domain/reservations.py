"""Reservations: stock held for a cart, for a while. It is bought, given back, or runs out; whatever comes first."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from domain.acts import Act
from domain.events import Event, EventType
from domain.ids import new_id
from domain.lifecycle import Lifecycle, Step
from domain.model import Decided, Order, Reservation, ReservationLine, StockLevel, replace
from domain.refusals import InvalidInput
from domain.stock import Bucket, Ledger, MovementKind
from domain.words import Word

TTL_SECONDS = range(10, 3_601)
USUAL_TTL_SECONDS = 900
LONGEST = timedelta(hours=4)
"""How long one cart can hold its units, however often it is extended: nobody keeps others from buying for ever."""
REFERENCE_LIMIT = 200


class ReservationStatus(Word):
    """Where a reservation stands. It holds stock while it is ACTIVE, and nothing afterwards."""

    ACTIVE = "ACTIVE", "The units are held; also for the moment between its expiry and when that is put on record."
    CONSUMED = "CONSUMED", "An order was placed with it: what it wanted is allocated, the rest was given back."
    RELEASED = "RELEASED", "Given back before its time was over."
    EXPIRED = "EXPIRED", "Its time was over."


class ReservationAction(Word):
    """What can be done with a reservation."""

    CHANGE = "CHANGE", "Reserve other lines under the same reference."
    EXTEND = "EXTEND", "Hold the units longer."
    CONSUME = "CONSUME", "Place an order with it."
    RELEASE = "RELEASE", "Give the units back."
    EXPIRE = "EXPIRE", "The clock gives them back."


RESERVATION: Lifecycle[ReservationStatus, ReservationAction] = Lifecycle(
    "reservation",
    ReservationStatus.ACTIVE,
    (
        Step(ReservationStatus.ACTIVE, ReservationAction.CHANGE, ReservationStatus.ACTIVE),
        Step(ReservationStatus.ACTIVE, ReservationAction.EXTEND, ReservationStatus.ACTIVE),
        Step(ReservationStatus.ACTIVE, ReservationAction.CONSUME, ReservationStatus.CONSUMED),
        Step(ReservationStatus.ACTIVE, ReservationAction.RELEASE, ReservationStatus.RELEASED),
        Step(ReservationStatus.ACTIVE, ReservationAction.EXPIRE, ReservationStatus.EXPIRED),
    ),
)

ENDED = {
    ReservationAction.CONSUME: (EventType.RESERVATION_CONSUMED, "was consumed by an order"),
    ReservationAction.RELEASE: (EventType.RESERVATION_RELEASED, "was given back"),
    ReservationAction.EXPIRE: (EventType.RESERVATION_EXPIRED, "ran out"),
}
"""What is told of an end."""


# -- what callers may say ------------------------------------------------------------------------------------------


def reference(given: str) -> str:
    """A cart's name as it is kept."""
    if not 1 <= len(given.strip()) <= REFERENCE_LIMIT:
        raise InvalidInput(f"a reference has 1 to {REFERENCE_LIMIT} characters", field=("reference",))
    return given.strip()


def time_to_live(seconds: int) -> timedelta:
    """How long units are held from now."""
    if seconds not in TTL_SECONDS:
        least, most = TTL_SECONDS[0], TTL_SECONDS[-1]
        raise InvalidInput(f"{least:,} to {most:,} seconds, not {seconds:,}", field=("ttlSeconds",))
    return timedelta(seconds=seconds)


# -- what it holds -------------------------------------------------------------------------------------------------


def held_by(reservation: Reservation | None) -> dict[UUID, int]:
    """Units by stock level; none once it has ended."""
    held: dict[UUID, int] = {}
    for line in reservation.lines if reservation else ():
        if line.held:
            held[line.stock_level_id] = held.get(line.stock_level_id, 0) + line.held
    return held


def begin(reference: str, holder: str, channel_id: UUID, customer_id: UUID | None, act: Act) -> Reservation:
    """A reservation that holds nothing yet."""
    return Reservation(
        id=new_id(),
        channel_id=channel_id,
        holder=holder,
        reference=reference,
        status=ReservationStatus.ACTIVE.value,
        created_at=act.at,
        expires_at=act.at,
        customer_id=customer_id,
    )


def reserve(
    reservation: Reservation,
    wanted: Mapping[UUID, int],
    levels: Mapping[UUID, StockLevel],
    sku_of: Mapping[UUID, str],
    ttl: timedelta,
    act: Act,
) -> tuple[Reservation, Decided]:
    """Hold these units by level, no others, and at least this long. The levels are locked and have them.

    Lines are facts: what changes at a level is a line of its own, so that every ledger entry has its line.
    """
    RESERVATION.after(ReservationStatus(reservation.status), ReservationAction.CHANGE)
    ledger = Ledger(act, "Reservation", reservation.id, levels.values())
    known = {line.stock_level_id: line for line in reservation.lines}
    lines = []
    for level_id in dict.fromkeys((*known, *wanted)):
        line, units = known.get(level_id), wanted.get(level_id, 0)
        after = line if line and line.held == units else _line(reservation, levels[level_id], units, sku_of)
        if after is not line:
            _move(ledger, line, after)
        if after.held:
            lines.append(after)
    after_ = replace(_later(reservation, ttl, act), lines=tuple(lines))
    if not reservation.lines:
        return _told(after_, EventType.RESERVATION_MADE, "Stock was reserved", ledger)
    return _told(after_, EventType.RESERVATION_CHANGED, "The reservation holds other units", ledger)


def _line(reservation: Reservation, level: StockLevel, units: int, sku_of: Mapping[UUID, str]) -> ReservationLine:
    known = {line.variant_id: line.sku for line in reservation.lines}
    return ReservationLine(
        id=new_id(),
        reservation_id=reservation.id,
        stock_level_id=level.id,
        variant_id=level.variant_id,
        location_id=level.location_id,
        sku=sku_of.get(level.variant_id) or known[level.variant_id],
        quantity=units,
        held=units,
    )


def _move(ledger: Ledger, before: ReservationLine | None, after: ReservationLine) -> None:
    """The difference between two lines of a level: a line that is new has held nothing, one that goes holds nothing more."""
    more = after.held - (before.held if before else 0)
    if more > 0:
        ledger.move(
            after.stock_level_id, MovementKind.RESERVE, more, Bucket.AVAILABLE, Bucket.RESERVED, line_id=after.id
        )
    elif before:
        _give_back(ledger, before, -more)


def _give_back(ledger: Ledger, line: ReservationLine, units: int) -> None:
    ledger.move(line.stock_level_id, MovementKind.RELEASE, units, Bucket.RESERVED, Bucket.AVAILABLE, line_id=line.id)


# -- for how long --------------------------------------------------------------------------------------------------


def extend(reservation: Reservation, ttl: timedelta, act: Act) -> tuple[Reservation, Decided]:
    """Hold the units at least this long from now."""
    RESERVATION.after(ReservationStatus(reservation.status), ReservationAction.EXTEND)
    after = _later(reservation, ttl, act)
    return _told(after, EventType.RESERVATION_EXTENDED, "The reservation holds longer")


def _later(reservation: Reservation, ttl: timedelta, act: Act) -> Reservation:
    """Never shorter than it was, and never beyond the longest that any cart may hold."""
    until = min(act.at + ttl, reservation.created_at + LONGEST)
    return replace(reservation, expires_at=max(until, reservation.expires_at))


# -- how it ends ---------------------------------------------------------------------------------------------------


def release(
    reservation: Reservation, action: ReservationAction, levels: Mapping[UUID, StockLevel], act: Act
) -> tuple[Reservation, Decided]:
    """Give everything back, on somebody's word or by the clock."""
    ledger = Ledger(act, "Reservation", reservation.id, levels.values())
    return _ended(reservation, action, held_by(reservation), ledger, act)


def is_over(reservation: Reservation, now: datetime) -> bool:
    """Whether the clock should end it."""
    return reservation.status == ReservationStatus.ACTIVE and reservation.expires_at <= now


def consume(reservation: Reservation, order: Order, placed: Decided, act: Act) -> tuple[Reservation, Decided]:
    """The reservation after an order was placed with it: what the order did not take is given back."""
    left = held_by(reservation)
    for entry in placed.records:
        if getattr(entry, "from_bucket", None) == Bucket.RESERVED.value:
            left[entry.stock_level_id] -= entry.quantity
    ledger = Ledger(act, "Reservation", reservation.id, placed.levels)
    bought_by = replace(reservation, order_id=order.id, customer_id=order.customer_id)
    after, ended = _ended(bought_by, ReservationAction.CONSUME, left, ledger, act)
    return after, replace(
        placed, levels=ended.levels, records=(*placed.records, *ended.records), events=(*placed.events, *ended.events)
    )


def _ended(
    reservation: Reservation, action: ReservationAction, left: Mapping[UUID, int], ledger: Ledger, act: Act
) -> tuple[Reservation, Decided]:
    status = RESERVATION.after(ReservationStatus(reservation.status), action)
    for line in reservation.lines:
        if units := left.get(line.stock_level_id, 0):
            _give_back(ledger, line, units)
    lines = tuple(replace(line, held=0) for line in reservation.lines)
    after = replace(reservation, status=status.value, ended_at=act.at, lines=lines)
    type_, told = ENDED[action]
    return _told(after, type_, f"The reservation {told}", ledger)


def _told(
    reservation: Reservation, type_: EventType, told: str, ledger: Ledger | None = None
) -> tuple[Reservation, Decided]:
    """The reservation with its event counted, and what of its stock is to be stored."""
    after = replace(reservation, event_sequence=reservation.event_sequence + 1)
    event = Event(
        type_,
        "Reservation",
        after.id,
        f"{told}: {after.reference}.",
        data={
            "reference": after.reference,
            "status": after.status,
            "expiresAt": after.expires_at.isoformat(),
            "lines": _units(after.lines),
        },
        customer_id=after.customer_id,
        order_id=after.order_id,
        channel_id=after.channel_id,
        sequence=after.event_sequence,
    )
    if ledger is None:
        return after, Decided(events=(event,))
    return after, Decided(None, tuple(ledger.levels.values()), tuple(ledger.movements), (event, *ledger.events))


def _units(lines: Iterable[ReservationLine]) -> list[dict[str, object]]:
    return [{"sku": line.sku, "quantity": line.quantity, "locationId": str(line.location_id)} for line in lines]
