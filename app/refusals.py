"""What went wrong, as a client is told: an HTTP status, and GraphQL errors that each carry a code.

HTTP, server-sent events and WebSocket all tell it in these words.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson

from app.tokens import ExpiredToken, InvalidToken
from resolvers.database import Unavailable
from resolvers.documents import RequestError
from resolvers.engine import told, unexpected
from resolvers.trusted import NOT_FOUND

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
    extensions: dict[str, Any] | None = None

    @property
    def body(self) -> bytes:
        """The whole answer: errors and no data."""
        beside = {"extensions": self.extensions} if self.extensions else {}
        return orjson.dumps({"errors": self.errors, **beside})


def tell(error: Exception, *, frank: bool = False) -> Told:
    """What to say of an exception. What we did not foresee is logged under an id, and told if answers are frank."""
    match error:
        case Refused():
            return Told(error.status, [_one(error.code, str(error))], error.headers)
        case RequestError():
            return Told(_status(error), [told(each) for each in error.errors], extensions=error.extensions)
        case InvalidToken():
            return _tell_token(error)
        case Unavailable():
            unavailable = _one("SERVICE_UNAVAILABLE", "The database does not answer; please try again.")
            return Told(503, [unavailable], ((b"retry-after", b"1"),))
    return Told(500, [unexpected(error, frank=frank)])


def _status(error: RequestError) -> int:
    """Apollo's clients expect to be told with a 200 that a document is not known yet."""
    code = (error.errors[0].extensions or {}).get("code")
    return 200 if code == NOT_FOUND else 400


def _tell_token(error: InvalidToken) -> Told:
    code = "TOKEN_EXPIRED" if isinstance(error, ExpiredToken) else "UNAUTHENTICATED"
    challenge = f'Bearer error="invalid_token", error_description="{error}"'.encode("latin-1", "replace")
    return Told(401, [_one(code, str(error))], ((b"www-authenticate", challenge),))


def _one(code: str, message: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code}}
