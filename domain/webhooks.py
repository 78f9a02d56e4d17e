"""Webhooks: other systems that are told what happens. Who is told, where, of what, and with whose rights."""

import base64
import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, ClassVar
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from domain.acts import Act
from domain.ids import new_id
from domain.refusals import InvalidInput
from domain.viewer import Role, Scope, Viewer, ViewerKind
from domain.words import Word

SECRET_BYTES = 32
LONGEST_OVERLAP_SECONDS = 7 * 86_400
PORTS = (None, 443, 8443)
"""Where receivers listen on the open internet; other ports are other services, which a POST might hurt."""
TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("2002::/16"))
"""IPv6 addresses with an IPv4 address inside, which a gateway might take us to."""


class EndpointStatus(Word):
    """Whether an endpoint is sent what happens."""

    ACTIVE = "ACTIVE", "It is sent what happens."
    FAILING = (
        "FAILING",
        "It failed too often in a row: deliveries are held, and one is let through to see now and then.",
    )
    DISABLED = "DISABLED", "Nothing is sent or gathered; what was waiting was called off. A replay brings it."
    DELETED = "DELETED", "Gone for good; its deliveries are kept for a while."


class WebhookFormat(Word):
    """How the body of a delivery is laid out. The signature's headers are the same."""

    STANDARD = "STANDARD", "As Standard Webhooks recommends: type, timestamp, data."
    CLOUDEVENTS = "CLOUDEVENTS", "A CloudEvents 1.0 event in structured mode."


class DeliveryStatus(Word):
    """How a delivery came out."""

    PENDING = "PENDING", "On its way: not tried yet, to be tried again, or behind another of its subject."
    DELIVERED = "DELIVERED", "The receiver answered with a status of 200 to 299."
    DEAD = "DEAD", "Given up after three days, or because the receiver wants no more. A replay tries anew."
    CANCELED = "CANCELED", "The endpoint was disabled before it arrived. A replay tries anew."


@dataclass(frozen=True)
class WebhookEndpoint:
    """`webhook_endpoints`: who is told."""

    table: ClassVar[str] = "webhook_endpoints"

    id: UUID
    url: str
    secret: str
    types: tuple[str, ...]
    format: str
    owner_subject: str
    owner: dict[str, Any]
    created_at: datetime
    description: str | None = None
    previous_secret: str | None = None
    previous_secret_until: datetime | None = None
    channel_id: UUID | None = None
    query: str | None = None
    status: str = EndpointStatus.ACTIVE
    disabled_reason: str | None = None
    disabled_at: datetime | None = None
    failures: int = 0
    holds: int = 0
    held_until: datetime | None = None

    @property
    def listens(self) -> bool:
        """Whether anything is sent."""
        return self.status in (EndpointStatus.ACTIVE, EndpointStatus.FAILING)

    def wants(self, type_: str, channel_id: UUID | None) -> bool:
        """Whether an event is for it, as far as its filters go."""
        return (not self.types or type_ in self.types) and self.channel_id in (None, channel_id)

    def secrets(self, now: datetime) -> list[str]:
        """What to sign with: both secrets for as long as the old one is good."""
        old = self.previous_secret if self.previous_secret_until and self.previous_secret_until > now else None
        return [self.secret, old] if old else [self.secret]


# -- decisions ---------------------------------------------------------------------------------------------------------


def new_secret() -> str:
    """A signing secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(os.urandom(SECRET_BYTES)).decode()


def changes_of_rotation(endpoint: WebhookEndpoint, act: Act, overlap_seconds: int) -> dict[str, Any]:
    """A new secret beside the old one, which goes on signing for a while."""
    if not 0 <= overlap_seconds <= LONGEST_OVERLAP_SECONDS:
        raise InvalidInput(f"an overlap is 0 to {LONGEST_OVERLAP_SECONDS} seconds", field=("overlapSeconds",))
    until = act.recorded_at + timedelta(seconds=overlap_seconds)
    return {"secret": new_secret(), "previous_secret": endpoint.secret, "previous_secret_until": until}


ENABLED: dict[str, Any] = {
    "status": EndpointStatus.ACTIVE,
    "disabled_reason": None,
    "failures": 0,
    "holds": 0,
    "held_until": None,
}
"""What makes an endpoint as good as new. Since when it was disabled stays: a replay begins there."""


def disabled(now: datetime, reason: str, status: EndpointStatus = EndpointStatus.DISABLED) -> dict[str, Any]:
    """What makes an endpoint be left alone."""
    return {"status": status, "disabled_reason": reason, "disabled_at": now, "held_until": None}


def made(act: Act, viewer: Viewer, **given: Any) -> WebhookEndpoint:
    """An endpoint that listens from now on."""
    return WebhookEndpoint(id=new_id(), secret=new_secret(), created_at=act.recorded_at, **rights_of(viewer), **given)


# -- whose rights it has -----------------------------------------------------------------------------------------------

BOUNDS = ("customer_id", "order_id")
MANY_BOUNDS = ("channel_ids", "location_ids")


def rights_of(viewer: Viewer) -> dict[str, Any]:
    """An endpoint's owner: what they may see now is the most that will ever be sent."""
    owner: dict[str, Any] = {"kind": viewer.kind.value, "name": viewer.display_name, "scopes": sorted(viewer.scopes)}
    owner["role"] = viewer.role and viewer.role.value
    owner |= {name: value and str(value) for name in BOUNDS if (value := getattr(viewer, name))}
    owner |= {name: [str(each) for each in value] for name in MANY_BOUNDS if (value := getattr(viewer, name))}
    return {"owner_subject": viewer.subject, "owner": owner}


def owner_of(endpoint: WebhookEndpoint) -> Viewer:
    """The owner as a viewer. A scope that there is no more is none."""
    owner = endpoint.owner
    bounds: dict[str, Any] = {name: UUID(owner[name]) for name in BOUNDS if name in owner}
    bounds |= {name: tuple(map(UUID, owner[name])) for name in MANY_BOUNDS if name in owner}
    return Viewer(
        kind=ViewerKind(owner["kind"]),
        role=Role(owner["role"]) if owner["role"] else None,
        subject=endpoint.owner_subject,
        display_name=owner["name"],
        scopes=frozenset(scope for scope in Scope if scope in owner["scopes"]),
        **bounds,
    )


# -- where it may be ---------------------------------------------------------------------------------------------------


def refuse_odd_url(url: str, *, strict: bool) -> None:
    """Refuse what is no address of a receiver; in production (`strict`) also what is not on the open internet."""
    reason = _oddity(url, strict=strict)
    if reason is not None:
        raise InvalidInput(reason, field=("url",))


def _oddity(url: str, *, strict: bool) -> str | None:
    if any(not "!" <= each <= "~" for each in url):
        return "a URL has no spaces and only ASCII characters: write other names and paths in their encoded form"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"this is no URL: {error}"
    schemes = ("https",) if strict else ("https", "http")
    if parts.scheme not in schemes or not parts.hostname:
        return f"a URL begins with {' or '.join(f'{scheme}://' for scheme in schemes)} and names a host"
    if parts.username is not None or parts.fragment:
        return "a URL of a receiver has no user name, password or fragment"
    return _insecurity(parts, port) if strict else None


def _insecurity(parts: SplitResult, port: int | None) -> str | None:
    if port not in PORTS:
        return "the port must be 443 or 8443"
    try:
        address = ip_address(parts.hostname or "")
    except ValueError:
        return None  # a name: it is looked at when it is resolved
    return None if is_public(address) else f"{address} is not on the open internet"


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is on the open internet, and no other way to write one that is not."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.is_site_local or address.teredo is not None or any(address in network for network in TRANSLATED):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def refuse_too_many(there_are: int, most: int) -> None:
    """Every event is looked at for every endpoint."""
    if there_are >= most:
        raise InvalidInput(f"there are {there_are} endpoints already; delete one that is not needed")


def refuse_odd_types(types: Collection[str]) -> None:
    """Named twice, a type would be neither more nor less."""
    if len(set(types)) < len(types):
        raise InvalidInput("a type is named twice", field=("types",))
