"""The guide to webhooks says what is so: its code verifies, its mutation validates, its numbers are the program's."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, validate
from standardwebhooks import Webhook, WebhookVerificationError

from app.adapters.webhooks import TOTAL_SECONDS
from domain import deliveries
from domain.webhooks import new_secret
from resolvers import delivering, webhooks
from schema.build import build, core_of

GUIDE = (Path(__file__).parent.parent / "docs" / "webhooks.md").read_text(encoding="utf-8")
UNITS = {"s": 1, "min": 60, "h": 3_600}


def block(language: str) -> str:
    """The first code of a language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def test_its_python_verifies_what_we_sign() -> None:
    names: dict[str, Any] = {}
    exec(block("python"), names)  # noqa: S102 - the guide's own
    secret, body, now = new_secret(), '{"type":"PING"}', datetime.now(UTC)
    headers = {"webhook-id": "whd_1", "webhook-timestamp": str(int(now.timestamp()))}
    headers["webhook-signature"] = " ".join(Webhook(each).sign("whd_1", now, body) for each in (new_secret(), secret))
    assert names["receive"](secret, headers, body.encode()) == {"type": "PING"}
    with pytest.raises(WebhookVerificationError):
        names["receive"](new_secret(), headers, body.encode())


def test_its_mutation_is_one_that_the_schema_knows() -> None:
    assert validate(core_of(build()), parse(block("graphql"))) == []


def test_its_schedule_is_the_programs() -> None:
    told = re.search(r"tried again after (.*?) and then every", GUIDE, re.DOTALL)
    assert told is not None
    delays = re.findall(r"(\d+) (s|min|h)\b", told[1])
    assert [int(number) * UNITS[unit] for number, unit in delays] == list(deliveries.DELAYS)


@pytest.mark.parametrize(
    "said",
    [
        f"After {TOTAL_SECONDS:g} seconds it counts as failed",
        f"held for {deliveries.FIRST_HOLD_SECONDS} seconds",
        f"up to {deliveries.LONGEST_HOLD_SECONDS // 60} minutes",
        f"looks at {webhooks.REPLAY_LIMIT:,}",
        f"removed {delivering.KEPT_DAYS} days after",
        f"Up to {delivering.AT_ONCE} go to one",
        f"a lease of {delivering.LEASE_SECONDS:g} seconds",
    ],
)
def test_its_numbers_are_the_programs(said: str) -> None:
    assert said in " ".join(GUIDE.split())
