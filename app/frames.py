"""WebSocket frames written straight to the transport: an event that thousands hear of costs no task and no await.

uvicorn's protocol has the handshake, reading, pings and the close; beside that, whoever serves a socket finds here what
ASGI cannot say: write this text now, if not too much waits already.
"""

from functools import lru_cache

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

EXTENSION = "ordergraph.frames"
"""Where the application finds the socket's frames in its scope."""

WAITING_BYTES = 256 * 1024
"""What may wait for a client beside what the kernel has taken; who lets more wait reads too slowly."""

WHOLE_TEXT = 0x81
"""The first byte of a text message in one frame."""


@lru_cache(maxsize=1024)
def header(length: int) -> bytes:
    """How a server's frame of text begins (RFC 6455 §5.2): its length in one, three or nine bytes."""
    if length < 126:
        return bytes((WHOLE_TEXT, length))
    if length < 65_536:
        return bytes((WHOLE_TEXT, 126)) + length.to_bytes(2, "big")
    return bytes((WHOLE_TEXT, 127)) + length.to_bytes(8, "big")


class FramesProtocol(WebSocketsSansIOProtocol):
    """A WebSocket that can be written to without waiting."""

    async def run_asgi(self) -> None:
        """As ever, with itself in the scope."""
        self.scope["extensions"][EXTENSION] = {"frames": self}
        await super().run_asgi()

    @property
    def is_full(self) -> bool:
        """Whether too much waits for the client to take it."""
        return not self.transport.is_closing() and self.transport.get_write_buffer_size() > WAITING_BYTES

    def push(self, *parts: bytes) -> None:
        """Send a message of these parts of text. Who has left, or is being closed, hears nothing."""
        if not self.close_sent and not self.transport.is_closing():
            self.transport.write(b"".join((header(sum(map(len, parts))), *parts)))

    async def drained(self) -> None:
        """Wait until the client has taken most of what was sent."""
        await self.writable.wait()
