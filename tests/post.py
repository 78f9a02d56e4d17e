"""A post office: a real SMTP server that keeps what it is given, and refuses what a test wants refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class PostOffice:
    """The server's mind: mails in the order in which they came, and replies by recipient, one for each attempt."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    """The same as they came."""
    replies: dict[str, list[str]] = field(default_factory=dict)
    on_mail: Callable[[EmailMessage], None] = lambda _: None
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient, or give the next reply that is meant for them."""
        if replies := self.replies.get(address):
            return replies.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a mail."""
        assert isinstance(envelope.content, bytes)
        mail: Any = message_from_bytes(envelope.content, policy=policy.default)
        self.on_mail(mail)
        async with self.came:
            self.mails.append(mail)
            self.raw.append(envelope.content)
            self.came.notify_all()
        return f"250 queued as {len(self.mails)}"

    def to(self, address: str) -> list[EmailMessage]:
        """What came for somebody."""
        return [mail for mail in self.mails if mail["To"] == address]

    async def until(self, address: str, number: int = 1) -> EmailMessage:
        """The so-many-eth mail for somebody, once it is there."""
        async with asyncio.timeout(20), self.came:
            await self.came.wait_for(lambda: len(self.to(address)) >= number)
        return self.to(address)[number - 1]


def part(mail: EmailMessage, kind: str = "plain") -> str:
    """The text of a mail, or its HTML."""
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


@asynccontextmanager
async def post_office() -> AsyncIterator[PostOffice]:
    """An open post office."""
    office = PostOffice()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(office, enable_SMTPUTF8=True, hostname="mail.test", loop=loop), "127.0.0.1", 0
    )
    async with server:
        office.port = server.sockets[0].getsockname()[1]
        yield office
