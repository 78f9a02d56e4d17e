"""GraphQL over server-sent events, in "distinct connections mode": one request, one stream of its answers."""

from app.streaming import Framing


def next_event(answer: bytes) -> bytes:
    """One answer. PostgreSQL breaks long JSON into lines, and each needs its field name."""
    return b"event: next\ndata: " + answer.replace(b"\n", b"\ndata: ") + b"\n\n"


SERVER_SENT_EVENTS = Framing(
    accept=b"text/event-stream",
    content_type=b"text/event-stream; charset=utf-8",
    opening=b"",
    answer=next_event,
    refusal=next_event,  # the protocol has no other word for it
    heartbeat=b":\n\n",
    complete=b"event: complete\ndata:\n\n",  # without its empty data line a browser's EventSource would not report it
    leaving=b"",  # clients take a stream without its `complete` for broken, and come back
)
