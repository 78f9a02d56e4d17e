"""Exceptions: every rule has its statement, and its words and severity are what the figures say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain import exceptions
from domain.acts import Act
from domain.events import EventType
from domain.exceptions import RULES, ExceptionKind, ExceptionSeverity, Found, Rule, Verdict, raised, resolved, worsened
from domain.ids import new_id
from domain.refusals import InvalidTransition
from domain.shipments import TrackingCode
from domain.store.exceptions import CAUSES

NOW = datetime(2018, 5, 1, 12, tzinfo=UTC)
ACT = Act(new_id(), NOW, NOW, "SYSTEM", "system", "Ordergraph")
FACTS: dict[str, Any] = {
    "left": 2, "units": 3, "status": "OPEN", "place": "SAO1", "promised": None, "carrier": "correios", "in_house": 0,
    "estimated": None, "on_hold": False, "amount": 5_000, "currency": "BRL", "kind": "CAPTURE", "provider": "test",
    "code": "ATTEMPTED", "message": None, "gaps": [{"sku": "A", "units": 2}], "more": 0,
}  # fmt: skip


def found(hours: float = 1, **facts: Any) -> Found:
    """Something whose moment was so many hours ago."""
    at = NOW - timedelta(hours=hours)
    return Found(new_id(), at, new_id(), "100001", new_id(), new_id(), new_id(), {**FACTS, **facts})


def test_every_rule_has_its_statement_and_every_statement_its_rule() -> None:
    assert {(rule.kind, rule.subject_type) for rule in RULES} == CAUSES.keys()
    assert {rule.kind for rule in RULES} == set(ExceptionKind)


@pytest.mark.parametrize(
    ("tell", "figures", "severity", "words"),
    [
        (exceptions.late_pick, {}, "MEDIUM", "2 of 3 units of order 100001 are not picked at SAO1"),
        (exceptions.late_pick, {"promised": "2018-05-03T11:00:00+00:00"}, "HIGH", "they should have left by"),
        (exceptions.late_pick, {"promised": "2018-05-04T11:00:00+00:00"}, "MEDIUM", "they should have left by"),
        (
            exceptions.late_shipment,
            {"status": "PACKED"},
            "MEDIUM",
            "3 units of order 100001, packed at SAO1, did not ship",
        ),
        (exceptions.late_shipment, {"status": "PACKED", "units": 1}, "MEDIUM", "1 unit of order"),
        (exceptions.late_shipment, {"status": "PICKING"}, "MEDIUM", ", picked at SAO1, did"),
        (exceptions.not_collected, {}, "MEDIUM", "ready at SAO1 since 2018-05-01 11:00 UTC"),
        (exceptions.stuck, {"hours": 80}, "MEDIUM", "for 3 days, since 2018-04-28 04:00 UTC"),
        (exceptions.promise_at_risk, {"hours": -40}, "HIGH", "is promised by 2018-05-03 04:00 UTC, and 2 of 3 units"),
        (
            exceptions.promise_at_risk,
            {"left": 0, "in_house": 1},
            "CRITICAL",
            "was promised by 2018-05-01 11:00 UTC, and parcels wait",
        ),
        (exceptions.payment_expiring, {"hours": -20}, "HIGH", "0.02 BRL of the 50.00 BRL authorized"),
        (exceptions.payment_expiring, {}, "CRITICAL", "the authorization ended at 2018-05-01 11:00 UTC"),
        (exceptions.payment_unanswered, {}, "HIGH", "test was asked for the capture of 50.00 BRL for order 100001"),
        (exceptions.payment_unanswered, {"kind": "AUTHORIZATION"}, "MEDIUM", "has not answered for 1 hour."),
        (exceptions.delivery_failing, {}, "MEDIUM", TrackingCode.ATTEMPTED.description),
        (exceptions.delivery_failing, {"code": "EXCEPTION", "message": "rua?"}, "HIGH", "11:00 UTC: rua?"),
        (exceptions.delivery_failing, {"code": "RETURNED"}, "CRITICAL", TrackingCode.RETURNED.description),
        (exceptions.unfillable, {}, "HIGH", "No location can give 2 × A for order 100001"),
        (exceptions.unfillable, {"more": 2}, "HIGH", "2 × A and 2 lines more for"),
    ],
)
def test_what_is_told_is_what_the_figures_say(tell: Any, figures: dict[str, Any], severity: str, words: str) -> None:
    verdict: Verdict = tell(found(**figures), NOW)
    assert (verdict.severity, words in verdict.explanation) == (severity, True), verdict.explanation
    assert verdict.suggested_actions or tell is exceptions.payment_unanswered


def rule_of(kind: ExceptionKind) -> Rule:
    return next(rule for rule in RULES if rule.kind is kind)


def test_an_exception_counts_its_events() -> None:
    trouble, first = raised(rule_of(ExceptionKind.LATE_PICK), found(), ACT)
    after, second = exceptions.acknowledged(trouble, " on it ", ACT)
    over, third = resolved(after, "It was shipped.", ACT)
    assert [(event.type, event.sequence) for event in (first, second, third)] == [
        (EventType.EXCEPTION_RAISED, 1),
        (EventType.EXCEPTION_ACKNOWLEDGED, 2),
        (EventType.EXCEPTION_RESOLVED, 3),
    ]
    assert (after.note, over.resolved_at, over.event_sequence) == ("on it", NOW, 3)
    with pytest.raises(InvalidTransition):
        exceptions.acknowledged(over, None, ACT)


def test_an_exception_only_ever_grows_worse() -> None:
    rule, failing = rule_of(ExceptionKind.DELIVERY_FAILING), found(code="EXCEPTION")
    trouble, _ = raised(rule, failing, ACT)
    assert worsened(rule, trouble, failing, ACT) is None
    assert worsened(rule, trouble, replace(failing, facts={**FACTS, "code": "ATTEMPTED"}), ACT) is None
    worse = worsened(rule, trouble, replace(failing, facts={**FACTS, "code": "RETURNED"}), ACT)
    assert worse is not None
    after, event = worse
    assert (after.severity, event.type) == (ExceptionSeverity.CRITICAL, EventType.EXCEPTION_WORSENED)
    assert event.message == after.explanation != trouble.explanation
