"""Signed tokens: a `Viewer` as a JWT and back. HS256, nothing else; every token expires."""

import time
from collections import OrderedDict
from typing import Any
from uuid import UUID

import jwt

from domain.viewer import SCOPES, Role, Scope, Viewer, ViewerKind

ALGORITHM = "HS256"
KEPT_TOKENS = 10_000
LONGEST_TOKEN = 8_192
"""Characters. A store bound to a hundred locations needs about 6,000."""

KINDS: dict[Role, ViewerKind] = {
    Role.SHOPPER: ViewerKind.ANONYMOUS,
    Role.CUSTOMER: ViewerKind.CUSTOMER,
    Role.GUEST: ViewerKind.GUEST,
    Role.AGENT: ViewerKind.STAFF,
    Role.STORE: ViewerKind.STAFF,
    Role.WAREHOUSE: ViewerKind.STAFF,
    Role.OPERATIONS: ViewerKind.STAFF,
    Role.APP: ViewerKind.APP,
}
"""What sort of party plays each role. A shopper's token is a channel's, printed in its pages: nobody in particular."""


class InvalidToken(Exception):
    """The token was not made by us, or not for this; the message is safe to send to its bearer."""


class ExpiredToken(InvalidToken):
    """The token was good once."""


def sign(viewer: Viewer, secret: str, ttl_seconds: int) -> str:
    """A token that says who `viewer` is, for so long."""
    if viewer.role is None:
        raise ValueError("a viewer without a role has no token")
    now = int(time.time())
    claims = {"sub": viewer.subject, "name": viewer.display_name, "role": viewer.role.value}
    claims |= {"iat": now, "exp": now + ttl_seconds} | _bounds_of(viewer) | _scopes_of(viewer, viewer.role)
    return jwt.encode(claims, secret, ALGORITHM)


def _bounds_of(viewer: Viewer) -> dict[str, Any]:
    bounds: dict[str, Any] = {
        "customer": viewer.customer_id and str(viewer.customer_id),
        "order": viewer.order_id and str(viewer.order_id),
        "channels": [str(each) for each in viewer.channel_ids],
        "locations": [str(each) for each in viewer.location_ids],
    }
    return {name: value for name, value in bounds.items() if value}


def _scopes_of(viewer: Viewer, role: Role) -> dict[str, list[str]]:
    """What the token lists: an app's scopes are all listed, another role's only where they go beyond the role."""
    listed = sorted(viewer.scopes - SCOPES[role])
    return {"scopes" if role is Role.APP else "extra": [scope.value for scope in listed]} if listed else {}


LINKS = "ordergraph:links"
"""The audience of what stands in a message's link, so that neither opens what the other does."""


def seal(claims: dict[str, str], secret: str) -> str:
    """What a link in a message says, signed. It opens nothing else, and is good for as long as the secret is."""
    return jwt.encode({**claims, "aud": LINKS}, secret, ALGORITHM)


def unseal(token: str, secret: str) -> dict[str, str] | None:
    """What such a link says; None where it was not made by us."""
    if len(token) > LONGEST_TOKEN:
        return None
    try:
        return jwt.decode(token, secret, [ALGORITHM], audience=LINKS, options={"require": ["aud"]})
    except jwt.InvalidTokenError:
        return None


def verify(token: str, secret: str) -> Viewer:
    """Who the bearer is, or `InvalidToken`. About a microsecond when the token was seen before."""
    return _known(token, secret) or _learn(token, secret)


_seen: OrderedDict[tuple[str, str], tuple[float, Viewer]] = OrderedDict()
"""Verified tokens by (token, secret) with their end, in order of arrival; the oldest make room."""


def _known(token: str, secret: str) -> Viewer | None:
    found = _seen.get((token, secret))
    if found is None:
        return None
    expires_at, viewer = found
    if expires_at <= time.time():
        del _seen[token, secret]
        raise ExpiredToken("The token has expired.")
    return viewer


def _learn(token: str, secret: str) -> Viewer:
    claims = _decode(token, secret)
    viewer = _viewer_of(claims)
    if len(_seen) >= KEPT_TOKENS:
        _seen.popitem(last=False)
    _seen[token, secret] = (float(claims["exp"]), viewer)
    return viewer


def _decode(token: str, secret: str) -> dict[str, Any]:
    if len(token) > LONGEST_TOKEN:
        raise InvalidToken("The token is too long.")
    try:
        return jwt.decode(token, secret, [ALGORITHM], options={"require": ["exp", "sub", "role"]})
    except jwt.ExpiredSignatureError:
        raise ExpiredToken("The token has expired.") from None
    except jwt.MissingRequiredClaimError as error:
        raise InvalidToken(f"The token lacks the claim '{error.claim}'.") from None
    except jwt.InvalidSignatureError:
        raise InvalidToken("The token was not signed by this system.") from None
    except jwt.InvalidTokenError:
        raise InvalidToken("The token is malformed.") from None


def _viewer_of(claims: dict[str, Any]) -> Viewer:
    try:
        role = Role(claims["role"])
        return Viewer(
            kind=KINDS[role],
            role=role,
            subject=_text(claims["sub"]),
            display_name=_text(claims.get("name", claims["sub"])),
            scopes=SCOPES[role] | _listed_scopes(claims),
            customer_id=_id(claims.get("customer")),
            order_id=_id(claims.get("order")),
            channel_ids=_ids(claims.get("channels", [])),
            location_ids=_ids(claims.get("locations", [])),
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidToken("The token's claims cannot be understood.") from error


def _listed_scopes(claims: dict[str, Any]) -> frozenset[Scope]:
    return frozenset(Scope(each) for name in ("scopes", "extra") for each in claims.get(name, []))


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(value)
    return value


def _id(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)


def _ids(values: list[str]) -> tuple[UUID, ...]:
    return tuple(UUID(value) for value in values)
