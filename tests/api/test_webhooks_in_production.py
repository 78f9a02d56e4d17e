"""Webhooks in production: nothing inside is reached, neither by an address nor by a name that leads there."""

import asyncio
from pathlib import Path

import pytest

from app.settings import Mode, Settings
from tests.api.shop import OPERATIONS, Shop
from tests.conftest import settings_on

PING = """
    query ($id: ID!) { node(id: $id) { ... on WebhookDelivery { status responseStatus error attemptLog { error } } } }
"""


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A system in production, which works too."""
    home: Path = tmp_path_factory.mktemp("home")
    return settings_on(database_url, home).model_copy(update={"mode": Mode.PRODUCTION, "with_worker": True})


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.com/", "a URL begins with https:// and names a host"),
        ("https://example.com:5432/", "the port must be 443 or 8443"),
        ("https://169.254.169.254/latest/meta-data", "169.254.169.254 is not on the open internet"),
        ("https://[fd00::1]/", "fd00::1 is not on the open internet"),
    ],
)
async def test_an_address_inside_is_refused_at_once(shop: Shop, url: str, reason: str) -> None:
    made = await shop.do(OPERATIONS, "webhookEndpointCreate", "endpoint { id }", url="https://example.com/")

    for refused in (
        await shop.refused(OPERATIONS, "webhookEndpointCreate", url=url),
        await shop.refused(OPERATIONS, "webhookEndpointUpdate", id=made["endpoint"]["id"], url=url),
    ):
        assert (refused["code"], refused["field"], refused["reason"]) == ("INVALID_INPUT", ["url"], reason)


async def test_a_name_that_leads_inside_is_refused_when_it_is_called(shop: Shop) -> None:
    made = await shop.do(OPERATIONS, "webhookEndpointCreate", "endpoint { id }", url="https://localhost:8443/")

    sent = await shop.do(OPERATIONS, "webhookEndpointTest", "delivery { id }", id=made["endpoint"]["id"])

    async with asyncio.timeout(20):
        while (found := (await shop.ask(OPERATIONS, PING, id=sent["delivery"]["id"]))["node"])["status"] == "PENDING":
            await asyncio.sleep(0.05)
    assert (found["status"], found["responseStatus"]) == ("DEAD", None)
    assert "not on the open internet" in found["error"]
    assert found["attemptLog"] == [{"error": found["error"]}]
