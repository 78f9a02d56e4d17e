"""Apollo's multipart HTTP protocol for subscriptions: one request, one part of its response for each answer.

A part ends with the boundary of the next one: clients take it for whole when they see that, not before. The boundary
stands on a line of its own after CR LF, which no JSON contains.
"""

from app.refusals import Refused, tell
from app.streaming import Framing

DELIMITER = b"\r\n--graphql"
"""Older clients take this boundary for granted."""


def _part(json: bytes) -> bytes:
    return b"\r\ncontent-type: application/json\r\n\r\n" + json + DELIMITER


def _answer(answer: bytes) -> bytes:
    """What GraphQL says, errors among it."""
    return _part(b'{"payload":' + answer + b"}")


def _refusal(errors: bytes) -> bytes:
    """What the transport says of itself; it has no payload."""
    return _part(b'{"payload":null,' + errors[1:])


CLOSING = b"--\r\n"
"""Makes the last delimiter the end."""

MULTIPART = Framing(
    accept=b"multipart/mixed;subscriptionspec=1.0",
    content_type=b'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
    opening=DELIMITER,
    answer=_answer,
    refusal=_refusal,
    heartbeat=_part(b"{}"),
    complete=CLOSING,
    leaving=_refusal(tell(Refused(503, "The server ends; please come back.", code="SERVICE_UNAVAILABLE")).body)
    + CLOSING,
)
