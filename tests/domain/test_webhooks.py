"""Webhooks: where endpoints may be, with what they sign, and whose rights they have."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from standardwebhooks import Webhook

from domain.acts import Act
from domain.ids import new_id
from domain.refusals import InvalidInput
from domain.viewer import SCOPES, Role, Scope, Viewer, ViewerKind
from domain.webhooks import WebhookEndpoint, changes_of_rotation, is_public, made, new_secret, owner_of, refuse_odd_url

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ACT = Act(new_id(), NOW, NOW, "STAFF", "staff:zoe", "Zoë")
STORE = Viewer(
    ViewerKind.STAFF,
    Role.STORE,
    "store:1",
    "Rio",
    SCOPES[Role.STORE] | {Scope.WEBHOOKS_WRITE},
    location_ids=(new_id(),),
)


def endpoint(viewer: Viewer = STORE, **given: Any) -> WebhookEndpoint:
    return made(ACT, viewer, url="https://example.com/", types=(), format="STANDARD", **given)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "0.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::", "::1", "fe80::1", "fc00::1",
        "fd12:3456::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1",
        "2002:a00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "fec0::1",
    ],
)  # fmt: skip
def test_what_is_not_on_the_open_internet_is_known(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_what_is_on_the_open_internet_is_known(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    ["https://example.com", "https://example.com:443/a?b=c", "https://example.com:8443/", "https://[2606:4700::1]/"],
)
def test_a_receiver_on_the_open_internet_is_welcome(url: str) -> None:
    refuse_odd_url(url, strict=True)
    refuse_odd_url(url, strict=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "https://example.com:22/", "https://10.0.0.1/", "https://127.0.0.1/", "https://[::1]/",
        "https://[::ffff:169.254.169.254]/", "https://[fd00::1]/",
    ],
)  # fmt: skip
def test_production_refuses_what_is_inside_or_open_to_read(url: str) -> None:
    with pytest.raises(InvalidInput):
        refuse_odd_url(url, strict=True)
    refuse_odd_url(url, strict=False)


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "ftp://example.com/", "https://", "https:///path", "https://user:pw@example.com/",
        "https://user@example.com/", "https://example.com/#part", "https://exa mple.com/", "https://example.com/é",
        "https://example.com:99999/", "https://example.com:x/", "https://[::1/", "https://example.com/\r\nHost: x",
    ],
)  # fmt: skip
def test_what_is_no_url_of_a_receiver_is_refused_everywhere(url: str) -> None:
    for strict in (True, False):
        with pytest.raises(InvalidInput):
            refuse_odd_url(url, strict=strict)


def test_a_secret_is_one_that_the_standards_library_takes() -> None:
    secret = new_secret()
    assert secret != new_secret()
    body, headers = "{}", {"webhook-id": "1", "webhook-timestamp": str(int(datetime.now(UTC).timestamp()))}
    headers["webhook-signature"] = Webhook(secret).sign("1", datetime.now(UTC), body)
    Webhook(secret).verify(body, headers)


def test_the_old_secret_signs_for_as_long_as_it_is_told() -> None:
    before = endpoint()
    after = replace(before, **changes_of_rotation(before, ACT, 60))
    assert after.secret != before.secret
    assert after.secrets(NOW + timedelta(seconds=59)) == [after.secret, before.secret]
    assert after.secrets(NOW + timedelta(seconds=60)) == [after.secret]
    for wrong in (-1, 604_801):
        with pytest.raises(InvalidInput):
            changes_of_rotation(before, ACT, wrong)


def test_an_endpoint_has_its_owners_rights_and_no_more() -> None:
    assert owner_of(endpoint()) == STORE
    gone = endpoint()
    gone.owner["scopes"].append("no:more")
    assert owner_of(gone) == STORE


def test_an_endpoint_wants_its_types_in_its_channel() -> None:
    web = new_id()
    assert endpoint().wants("ORDER_PLACED", None)
    some = replace(endpoint(), types=("ORDER_PLACED",), channel_id=web)
    assert [
        some.wants(type_, channel) for type_ in ("ORDER_PLACED", "STOCK_MOVED") for channel in (web, None, new_id())
    ] == [
        True,
        *[False] * 5,
    ]
