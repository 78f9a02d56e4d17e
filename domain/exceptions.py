"""Exceptions: what somebody should look at, when it is said, how it is told, and what would help."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.acts import Act
from domain.events import Event, EventType
from domain.ids import new_id
from domain.model import Trouble, replace
from domain.money import Money
from domain.orders import OrderStatus
from domain.refusals import InvalidTransition
from domain.shipments import ShipmentStatus, TrackingCode
from domain.words import Word


class ExceptionKind(Word):
    """What is wrong."""

    LATE_PICK = "LATE_PICK", "Work should have left by now, and not all of it is picked."
    LATE_SHIPMENT = "LATE_SHIPMENT", "What is picked should have left by now, and no carrier has it."
    STUCK_TRACKING = "STUCK_TRACKING", "A carrier has parcels and has not said a word for days."
    PROMISE_AT_RISK = "PROMISE_AT_RISK", "The buyer will not, or did not, get everything by the promised time."
    PAYMENT_EXPIRING = "PAYMENT_EXPIRING", "Money was promised and not taken, and the promise is about to end."
    PAYMENT_UNANSWERED = "PAYMENT_UNANSWERED", "A provider was asked, and nobody knows what came of it."
    DELIVERY_FAILING = "DELIVERY_FAILING", "A carrier cannot deliver, or brought the parcels back."
    UNFILLABLE_ORDER = "UNFILLABLE_ORDER", "Units were bought that no location can give."


class ExceptionSeverity(Word):
    """How much it matters."""

    MEDIUM = "MEDIUM", "Somebody should look at it today."
    HIGH = "HIGH", "It will cost money or a customer if nobody looks at it."
    CRITICAL = "CRITICAL", "The harm is done; it can be limited."


WORSE = MEDIUM, HIGH, CRITICAL = tuple(ExceptionSeverity)

CAPTURE_AHEAD = timedelta(days=2)
"""A weekend: whoever is told on Friday can still take the money."""

COLLECTION = timedelta(days=1)
"""Carriers collect once a day: parcels that were ready a day ago have missed them."""

SILENCE = timedelta(days=3)
"""No carrier scans on a Sunday, some not on a Saturday: from Friday evening to Monday evening nothing is wrong."""

ON_THE_WAY = timedelta(days=2)
"""What parcels take within a country. What has not left so long before its promise arrives late."""

ANSWER = timedelta(hours=1)
"""A provider that is well has answered, and the worker has asked it six times over, by then."""

ASKED_FOR = timedelta(days=3)
"""How long a provider is asked what came of a request."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something that a rule may be about: its moment, whom it concerns, and the figures of its kind."""

    subject_id: UUID
    at: datetime
    order_id: UUID
    number: str
    customer_id: UUID | None
    channel_id: UUID
    location_id: UUID | None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an exception is told."""

    severity: ExceptionSeverity
    explanation: str
    suggested_actions: Sequence[str]
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is watched for.

    It is looked for among the things whose moment lies no later than `ahead` from now and, where nothing else ends their
    number, no more than `back` ago: older ones were told long since, or came with a history. `ended` says what it means
    that it is over, by the subject's state.
    """

    kind: ExceptionKind
    subject_type: str
    tell: Callable[[Found, datetime], Verdict]
    ahead: timedelta = timedelta()
    back: timedelta | None = None
    ended: Mapping[str, str] = field(default_factory=dict)


def raised(rule: Rule, found: Found, act: Act) -> tuple[Trouble, Event]:
    """An exception, and what is told of it."""
    verdict = rule.tell(found, act.at)
    trouble = Trouble(
        id=new_id(),
        kind=rule.kind.value,
        severity=verdict.severity.value,
        subject_type=rule.subject_type,
        subject_id=found.subject_id,
        detected_at=act.at,
        explanation=verdict.explanation,
        suggested_actions=tuple(verdict.suggested_actions),
        order_id=found.order_id,
        customer_id=found.customer_id,
        location_id=found.location_id,
        channel_id=found.channel_id,
        due_at=verdict.due_at,
    )
    return told(trouble, EventType.EXCEPTION_RAISED, trouble.explanation)


def worsened(rule: Rule, trouble: Trouble, found: Found, act: Act) -> tuple[Trouble, Event] | None:
    """The exception as it is now, where that is worse than it was told."""
    verdict = rule.tell(found, act.at)
    if WORSE.index(verdict.severity) <= WORSE.index(ExceptionSeverity(trouble.severity)):
        return None
    after = replace(
        trouble,
        severity=verdict.severity.value,
        explanation=verdict.explanation,
        suggested_actions=tuple(verdict.suggested_actions),
        due_at=verdict.due_at,
    )
    return told(after, EventType.EXCEPTION_WORSENED, after.explanation)


def resolved(trouble: Trouble, resolution: str, act: Act) -> tuple[Trouble, Event]:
    """The exception, over."""
    after = replace(trouble, resolved_at=act.at, resolution=resolution)
    return told(after, EventType.EXCEPTION_RESOLVED, resolution)


def acknowledged(trouble: Trouble, note: str | None, act: Act) -> tuple[Trouble, Event]:
    """The exception, with somebody who looks at it. The latest to say so is the one who does."""
    if trouble.resolved_at is not None:
        raise InvalidTransition("RESOLVED", "ACKNOWLEDGE", ())
    after = replace(
        trouble,
        acknowledged_at=act.at,
        acknowledged_by_kind=act.actor_kind,
        acknowledged_by=act.actor_name,
        note=(note or "").strip() or trouble.note,
    )
    return told(after, EventType.EXCEPTION_ACKNOWLEDGED, f"{act.actor_name} looks at it.")


def told(trouble: Trouble, type_: EventType, message: str) -> tuple[Trouble, Event]:
    """An exception that counts one event more, and that event."""
    after = replace(trouble, event_sequence=trouble.event_sequence + 1)
    return after, Event(
        type_,
        "Exception",
        trouble.id,
        message,
        data={
            "kind": trouble.kind,
            "severity": trouble.severity,
            "subjectType": trouble.subject_type,
            "subjectId": str(trouble.subject_id),
        },
        customer_id=trouble.customer_id,
        order_id=trouble.order_id,
        location_id=trouble.location_id,
        channel_id=trouble.channel_id,
        sequence=after.event_sequence,
    )


# -- how each kind is told -------------------------------------------------------------------------------------------


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _span(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3_600)
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours} hours" if hours != 1 else "1 hour"


def _units(number: int) -> str:
    return f"{number} unit" if number == 1 else f"{number} units"


def _urgent(found: Found, now: datetime) -> bool:
    """Whether the promise to the buyer is in danger as well."""
    promised = found.facts.get("promised")
    return promised is not None and datetime.fromisoformat(promised) <= now + ON_THE_WAY


def late_pick(found: Found, now: datetime) -> Verdict:
    """Work that is behind before anything is packed."""
    facts = found.facts
    explanation = (
        f"{facts['left']} of {_units(facts['units'])} of order {found.number} are not picked at {facts['place']}; "
        f"they should have left by {_moment(found.at)}."
    )
    accept = ["fulfillmentOrderAccept"] if facts["status"] == "OPEN" else []
    return Verdict(HIGH if _urgent(found, now) else MEDIUM, explanation, [*accept, "fulfillmentOrderPick"], found.at)


def late_shipment(found: Found, now: datetime) -> Verdict:
    """Work that stands packed, or might."""
    facts = found.facts
    stand = "packed" if facts["status"] == "PACKED" else "picked"
    explanation = (
        f"{_units(facts['units'])} of order {found.number}, {stand} at {facts['place']}, did not ship; "
        f"they should have left by {_moment(found.at)}."
    )
    pack = [] if facts["status"] == "PACKED" else ["fulfillmentOrderPack"]
    return Verdict(HIGH if _urgent(found, now) else MEDIUM, explanation, [*pack, "shipmentCreate"], found.at)


def not_collected(found: Found, now: datetime) -> Verdict:
    """Parcels that no carrier took."""
    facts = found.facts
    explanation = (
        f"{facts['carrier']} does not have a shipment of order {found.number} yet; it has been ready at "
        f"{facts['place']} since {_moment(found.at)}."
    )
    severity = HIGH if _urgent(found, now) else MEDIUM
    return Verdict(severity, explanation, ["shipmentHandOver", "trackingEventAdd"], found.at + COLLECTION)


def stuck(found: Found, now: datetime) -> Verdict:
    """A carrier that is silent."""
    facts = found.facts
    explanation = (
        f"{facts['carrier']} has said nothing of a shipment of order {found.number} for {_span(now - found.at)}, "
        f"since {_moment(found.at)}."
    )
    severity = HIGH if _urgent(found, now) else MEDIUM
    actions = ["trackingEventAdd", "shipmentDeliver", "refundCreate"]
    return Verdict(severity, explanation, actions, found.at + SILENCE)


def promise_at_risk(found: Found, now: datetime) -> Verdict:
    """A promise that will not be kept, or was not."""
    facts = found.facts
    missing = (
        f"{facts['left']} of {_units(facts['units'])} did not leave yet"
        if facts["left"]
        else "parcels wait for the carrier"
        if facts["in_house"]
        else f"{facts['carrier']} expects to deliver on {_moment(datetime.fromisoformat(facts['estimated']))}"
        if facts["estimated"]
        else "not everything has arrived"
    )
    broken = found.at <= now
    was = "was promised by" if broken else "is promised by"
    explanation = f"Order {found.number} {was} {_moment(found.at)}, and {missing}."
    actions = ["orderConfirm"] if facts["status"] == OrderStatus.PENDING else []
    actions += ["orderHoldRelease"] if facts["on_hold"] else []
    return Verdict(CRITICAL if broken else HIGH, explanation, [*actions, "refundCreate"], found.at)


def payment_expiring(found: Found, now: datetime) -> Verdict:
    """A bank's promise that runs out."""
    facts = found.facts
    left, whole = (Money(facts[name], facts["currency"]) for name in ("left", "amount"))
    expired = found.at <= now
    explanation = (
        f"{left} of the {whole} authorized for order {found.number} are not captured; "
        f"the authorization {'ended' if expired else 'ends'} at {_moment(found.at)}."
    )
    actions = ["paymentAuthorize", "paymentCapture"] if expired else ["paymentCapture", "paymentVoid"]
    return Verdict(CRITICAL if expired else HIGH, explanation, actions, found.at)


def payment_unanswered(found: Found, now: datetime) -> Verdict:
    """A provider that says nothing."""
    facts = found.facts
    amount, kind = Money(facts["amount"], facts["currency"]), facts["kind"]
    explanation = (
        f"{facts['provider']} was asked for the {kind.lower()} of {amount} for order {found.number} "
        f"at {_moment(found.at)} and has not answered for {_span(now - found.at)}."
    )
    promised = kind == "AUTHORIZATION"  # a buyer who never came back from a challenge looks the same
    actions = ["paymentAuthorize", "orderCancel"] if promised else []
    return Verdict(MEDIUM if promised else HIGH, explanation, actions, found.at + ANSWER)


SEVERITY_OF_CODE = {
    TrackingCode.ATTEMPTED: MEDIUM,
    TrackingCode.EXCEPTION: HIGH,
    TrackingCode.RETURNED: CRITICAL,
}


def delivery_failing(found: Found, _now: datetime) -> Verdict:
    """A carrier that cannot deliver."""
    facts = found.facts
    code = TrackingCode(facts["code"])
    explanation = (
        f"{facts['carrier']} about a shipment of order {found.number} at {_moment(found.at)}: "
        f"{facts['message'] or code.description}"
    )
    actions = ["refundCreate"] if code is TrackingCode.RETURNED else ["trackingEventAdd", "refundCreate"]
    return Verdict(SEVERITY_OF_CODE[code], explanation, ["exceptionAcknowledge", *actions], None)


def unfillable(found: Found, _now: datetime) -> Verdict:
    """Units that nobody has."""
    facts = found.facts
    wanted = ", ".join(f"{gap['units']} × {gap['sku']}" for gap in facts["gaps"])
    more = f" and {facts['more']} lines more" if facts["more"] else ""
    explanation = f"No location can give {wanted}{more} for order {found.number}, routed at {_moment(found.at)}."
    promised = facts["promised"]
    return Verdict(
        HIGH,
        explanation,
        ["stockAdjust", "orderRoute", "orderCancel"],
        datetime.fromisoformat(promised) if promised else None,
    )


# -- what is watched -------------------------------------------------------------------------------------------------

CALLED_OFF = {"CANCELED": "It was called off."}
HELD = {"ON_HOLD": "The order is on hold: the location may not go on."}
DELIVERED = {
    ShipmentStatus.DELIVERED.value: "It was delivered.",
    ShipmentStatus.LOST.value: "It was given up as lost.",
    ShipmentStatus.RETURNED_TO_SENDER.value: "It came back to the sender.",
    ShipmentStatus.CANCELED.value: "It was called off.",
}
OVER = {
    OrderStatus.COMPLETED.value: "The order is complete.",
    OrderStatus.CANCELED.value: "The order was canceled.",
}

RULES: tuple[Rule, ...] = (
    Rule(
        ExceptionKind.LATE_PICK,
        "FulfillmentOrder",
        late_pick,
        ended={
            **dict.fromkeys(("PICKING", "PACKED"), "Everything is picked."),
            "SHIPPED": "It was shipped.",
            **CALLED_OFF,
            **HELD,
        },
    ),
    Rule(
        ExceptionKind.LATE_SHIPMENT,
        "FulfillmentOrder",
        late_shipment,
        ended={"SHIPPED": "It was shipped.", **CALLED_OFF, **HELD},
    ),
    Rule(
        ExceptionKind.LATE_SHIPMENT,
        "Shipment",
        not_collected,
        ahead=-COLLECTION,
        ended={**DELIVERED, **dict.fromkeys(("HANDED_OVER", "IN_TRANSIT", "OUT_FOR_DELIVERY"), "The carrier has it.")},
    ),
    Rule(
        ExceptionKind.STUCK_TRACKING,
        "Shipment",
        stuck,
        ahead=-SILENCE,
        ended={**DELIVERED, **dict.fromkeys(("HANDED_OVER", "IN_TRANSIT", "OUT_FOR_DELIVERY"), "It was heard of.")},
    ),
    Rule(
        ExceptionKind.PROMISE_AT_RISK,
        "Order",
        promise_at_risk,
        ahead=ON_THE_WAY,
        ended={**OVER, OrderStatus.IN_FULFILLMENT.value: "Everything is on its way."},
    ),
    Rule(
        ExceptionKind.PAYMENT_EXPIRING,
        "Payment",
        payment_expiring,
        ahead=CAPTURE_AHEAD,
        back=timedelta(days=7),
        ended={**OVER, "LEFT": "Nothing more is to be taken from it.", "NOTHING_LEFT": "It was taken, or released."},
    ),
    Rule(
        ExceptionKind.PAYMENT_UNANSWERED,
        "Payment",
        payment_unanswered,
        ahead=-ANSWER,
        back=ASKED_FOR,
        ended={"ANSWERED": "The provider answered.", **OVER},
    ),
    Rule(
        ExceptionKind.DELIVERY_FAILING,
        "Shipment",
        delivery_failing,
        back=timedelta(days=30),
        ended={**DELIVERED, **dict.fromkeys(("HANDED_OVER", "IN_TRANSIT", "OUT_FOR_DELIVERY"), "The carrier goes on.")}
        | {"RETURNED_TO_SENDER": "It came back, and somebody saw to it."},
    ),
    Rule(
        ExceptionKind.UNFILLABLE_ORDER,
        "Order",
        unfillable,
        back=timedelta(days=30),
        ended={**OVER, **dict.fromkeys(("PENDING", "CONFIRMED", "IN_FULFILLMENT"), "Every unit has its location.")},
    ),
)
"""Everything that is watched for. The statements that find it are in `domain/store/exceptions.py`."""


def ended(rule: Rule, state: str | None) -> str:
    """What it means that it is over."""
    return rule.ended.get(state or "", "It is no longer so.")
