"""What went wrong, as a client is told: an HTTP status, and GraphQL errors that each carry a code.

HTTP, server-sent events and WebSocket all tell it in these words.
"""

from dataclasses import dataclass, field
from typing import Any

import structlog

from app.tokens import ExpiredToken, InvalidToken
from domain.ids import new_id
from resolvers.database import Unavailable
from resolvers.documents import RequestError
from resolvers.engine import told

log = structlog.get_logger()

Header = tuple[bytes, bytes]


class Refused(Exception):
    """A request that HTTP itself refuses, before anyone looks at its document."""

    def __init__(
        self, status: int, message: str, *, code: str = "BAD_REQUEST", headers: tuple[Header, ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Told:
    """An exception in a client's words."""

    status: int
    errors: list[dict[str, Any]]
    headers: tuple[Header, ...] = field(default=())


def tell(error: Exception) -> Told:
    """What to say of an exception. What we did not foresee is logged, and its id is all that the client learns."""
    match error:
        case Refused():
            return Told(error.status, [_one(error.code, str(error))], error.headers)
        case RequestError():
            return Told(400, [told(each) for each in error.errors])
        case InvalidToken():
            return _tell_token(error)
        case Unavailable():
            unavailable = _one("SERVICE_UNAVAILABLE", "The database does not answer; please try again.")
            return Told(503, [unavailable], ((b"retry-after", b"1"),))
    error_id = str(new_id())
    log.error("unexpected", error_id=error_id, exc_info=error)
    return Told(500, [_one("INTERNAL_SERVER_ERROR", "Something went wrong on our side.", errorId=error_id)])


def _tell_token(error: InvalidToken) -> Told:
    code = "TOKEN_EXPIRED" if isinstance(error, ExpiredToken) else "UNAUTHENTICATED"
    challenge = f'Bearer error="invalid_token", error_description="{error}"'.encode("latin-1", "replace")
    return Told(401, [_one(code, str(error))], ((b"www-authenticate", challenge),))


def _one(code: str, message: str, **extensions: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code, **extensions}}
