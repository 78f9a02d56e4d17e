"""What a client sends, whatever it came by: an operation out of JSON, a viewer out of a bearer token."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import jwt
import orjson

from app.refusals import Refused
from app.tokens import InvalidToken
from domain.store.wal import Mark
from domain.viewer import ANONYMOUS, Viewer
from resolvers.consistency import mark_in
from resolvers.engine import Request

Verify = Callable[[str], Viewer]
"""Tells a token's bearer, or raises `InvalidToken`."""

SHA256 = "sha256:"
"""How an id begins that is the document's own hash: the GraphQL-over-HTTP specification's persisted documents."""

MOST_QUERY_FIELDS = 20
"""`query`, `operationName`, `variables`, `extensions`, and room for what proxies add."""


def read_json(body: bytes | str) -> Any:
    """A body's JSON. orjson refuses deep nesting and endless numbers by itself."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, "The body is not valid JSON in UTF-8.") from None


def request_of(given: Any) -> Request:
    """The operation that a JSON value asks for. Of `extensions`, what is not ours is ignored."""
    if type(given) is not dict:
        raise Refused(400, "A request is one JSON object with a query.")
    query, name, variables = given.get("query"), given.get("operationName"), given.get("variables")
    hash_, document_id = _named(given) if "extensions" in given or "documentId" in given else (None, None)
    if type(query) is not str and (query is not None or not (hash_ or document_id)):
        raise Refused(400, "`query` must be a GraphQL document as text.")
    if name is not None and type(name) is not str:
        raise Refused(400, "`operationName` must be text.")
    if variables is not None and type(variables) is not dict:
        raise Refused(400, "`variables` must be a JSON object.")
    return Request(query, name or None, variables, hash_, document_id, _after(given.get("extensions")))


def _after(extensions: Any) -> Mark | None:
    token = extensions.get("consistencyToken") if extensions else None
    return None if token is None else mark_of(token)


def mark_of(token: Any) -> Mark:
    """What the holder of a consistency token has to see."""
    try:
        return mark_in(token)
    except ValueError as error:
        raise Refused(400, str(error)) from None


def _named(given: dict[str, Any]) -> tuple[str | None, str | None]:
    """The SHA-256 and the id by which a request names its document."""
    document_id, extensions = given.get("documentId"), given.get("extensions")
    if document_id is not None and type(document_id) is not str:
        raise Refused(400, "`documentId` must be text.")
    if extensions is not None and type(extensions) is not dict:
        raise Refused(400, "`extensions` must be a JSON object.")
    hash_ = _persisted(extensions) if extensions else None
    if document_id and document_id.startswith(SHA256):
        return document_id.removeprefix(SHA256), None
    if document_id and given.get("query") is not None:
        raise Refused(400, "A document is given as `query` or named by `documentId`, not both.")
    return hash_, document_id or None


def _persisted(extensions: dict[str, Any]) -> str | None:
    """The SHA-256 in `extensions.persistedQuery`, by Apollo's protocol."""
    given = extensions.get("persistedQuery")
    if given is None:
        return None
    if type(given) is not dict or type(given.get("version")) is not int or given["version"] != 1:
        raise Refused(400, "Unsupported persisted query version")
    if type(given.get("sha256Hash")) is not str or not given["sha256Hash"]:
        raise Refused(400, "`extensions.persistedQuery.sha256Hash` must be text.")
    return str(given["sha256Hash"])


def request_of_url(query_string: bytes) -> Request:
    """The operation that a URL asks for."""
    try:
        fields = parse_qs(
            query_string.decode(), errors="strict", keep_blank_values=True, max_num_fields=MOST_QUERY_FIELDS
        )
    except ValueError:
        raise Refused(400, "The query string cannot be read.") from None
    given: dict[str, Any] = {name: values[-1] for name, values in fields.items()}
    for name in ("variables", "extensions"):
        given[name] = read_json(given[name]) if given.get(name) else None
    return request_of(given)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who holds a token, and when it ends (seconds since 1970; None for nobody in particular)."""

    viewer: Viewer
    expires_at: float | None


NOBODY = Bearer(ANONYMOUS, None)


def token_in(authorization: Any) -> str:
    """The token of an Authorization header, or of a greeting's word for it."""
    text = authorization.decode("latin-1") if isinstance(authorization, bytes) else authorization
    if not isinstance(text, str) or text[:7].lower() != "bearer ":
        raise InvalidToken("The Authorization header must be: Bearer <token>.")
    return text[7:].strip()


def bearer_of(token: Any, verify: Verify) -> Bearer:
    """The bearer of a token whom we must not serve beyond its end; `verify` has looked at the signature."""
    if not isinstance(token, str):
        raise InvalidToken("The token must be text.")
    viewer = verify(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    return Bearer(viewer, float(claims["exp"]))
