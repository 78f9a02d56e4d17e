"""From what a person asks for ("a store's token for BERLIN-1") to the viewer that the token will stand for."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from app.failure import Failure
from app.tokens import KINDS, sign
from domain.store import sign_in as store
from domain.viewer import SCOPES, Role, Scope, Viewer


class SignInError(Failure):
    """No such token can be made; the message says what is missing or unknown."""


@dataclass(frozen=True, slots=True)
class Request:
    """Whom a token is wanted for, in the names that people know."""

    role: Role
    name: str | None = None
    channels: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    email: str | None = None
    order: str | None = None
    scopes: frozenset[Scope] = frozenset()


BINDINGS: dict[Role, str] = {
    Role.SHOPPER: "channels",
    Role.CUSTOMER: "email",
    Role.GUEST: "order",
    Role.STORE: "locations",
    Role.WAREHOUSE: "locations",
    Role.APP: "scopes",
}
"""What each role must be bound to; the roles that are not here are bound to nothing."""

OPTIONS = {"channels": "--channel", "locations": "--location", "email": "--email", "order": "--order"} | {
    "scopes": "--scope"
}

Lookup = Callable[[asyncpg.Connection, Request], Awaitable[Viewer]]


def needs_database(request: Request) -> bool:
    """Whether names must be looked up before the token can be made."""
    return request.role in _LOOKUPS


def refuse_misfits(request: Request) -> None:
    """Say which option is missing or has no meaning for the role."""
    needed = BINDINGS.get(request.role)
    role = request.role.value.lower()
    if needed and not getattr(request, needed):
        raise SignInError(f"a token for role '{role}' needs {OPTIONS[needed]}")
    for field, option in OPTIONS.items():
        if field not in {needed, "scopes"} and getattr(request, field):
            raise SignInError(f"{option} has no meaning for role '{role}'")


async def viewer_for(request: Request, connection: asyncpg.Connection | None) -> Viewer:
    """The viewer asked for. `connection` may be None where nothing must be looked up."""
    refuse_misfits(request)
    lookup = _LOOKUPS.get(request.role)
    if lookup is None:
        return _plain(request)
    if connection is None:
        raise SignInError("the names must be looked up in a database")
    return await lookup(connection, request)


async def token_for(request: Request, connection: asyncpg.Connection | None, secret: str, ttl_seconds: int) -> str:
    """The signed token of `viewer_for`."""
    return sign(await viewer_for(request, connection), secret, ttl_seconds)


def _viewer(request: Request, subject: str, name: str, **bounds: object) -> Viewer:
    scopes = SCOPES[request.role] | request.scopes
    return Viewer(KINDS[request.role], request.role, subject, request.name or name, scopes, **bounds)  # type: ignore[arg-type]


def _plain(request: Request) -> Viewer:
    role = request.role.value.lower()
    return _viewer(request, f"{role}:{request.name or 'default'}", role.capitalize())


async def _shopper(connection: asyncpg.Connection, request: Request) -> Viewer:
    found = await store.channels_by_code(connection, request.channels)
    codes = ",".join(sorted(request.channels))
    ids = _all_of(request.channels, found, "channel")
    return _viewer(request, f"shopper:{codes}", f"Shopper of {codes}", channel_ids=ids)


async def _floor(connection: asyncpg.Connection, request: Request) -> Viewer:
    found = await store.locations_by_code(connection, request.locations)
    codes = ",".join(sorted(request.locations))
    role = request.role.value.lower()
    ids = _all_of(request.locations, found, "location")
    return _viewer(request, f"{role}:{request.name or codes}", f"{role.capitalize()} {codes}", location_ids=ids)


async def _customer(connection: asyncpg.Connection, request: Request) -> Viewer:
    found = await store.customer_by_email(connection, request.email or "")
    if found is None:
        raise SignInError(f"there is no customer with the e-mail address '{request.email}'")
    customer_id, name = found
    return _viewer(request, f"customer:{customer_id}", name, customer_id=customer_id)


async def _guest(connection: asyncpg.Connection, request: Request) -> Viewer:
    order_id = await store.order_by_number(connection, request.order or "")
    if order_id is None:
        raise SignInError(f"there is no order with the number '{request.order}'")
    return _viewer(request, f"guest:{order_id}", f"Guest of order {request.order}", order_id=order_id)


def _all_of(codes: Sequence[str], found: dict[str, UUID], noun: str) -> tuple[UUID, ...]:
    missing = [code for code in codes if code not in found]
    if missing:
        raise SignInError(f"there is no {noun} with the code '{missing[0]}'")
    return tuple(found[code] for code in codes)


_LOOKUPS: dict[Role, Lookup] = {
    Role.SHOPPER: _shopper,
    Role.CUSTOMER: _customer,
    Role.GUEST: _guest,
    Role.STORE: _floor,
    Role.WAREHOUSE: _floor,
}
