"""Consistency tokens: where the primary's log stood after a mutation, as text that a client hands back unread."""

import base64
import re
import struct

from domain.store.wal import Mark

LAYOUT = struct.Struct(">IQ")
SHAPE = re.compile(r"[\w-]{16}", re.ASCII)
"""Twelve bytes in base64url, which need no padding."""


def token_of(mark: Mark) -> str:
    """A mark as a token; it fits into a URL, a header and a cookie as it is."""
    return base64.urlsafe_b64encode(LAYOUT.pack(*mark)).decode()


def mark_in(token: object) -> Mark:
    """The mark in a token, or `ValueError`."""
    if not isinstance(token, str) or not SHAPE.fullmatch(token):
        raise ValueError("A consistency token is 16 characters, as the answer to a mutation gave them.")
    return Mark(*LAYOUT.unpack(base64.urlsafe_b64decode(token)))
