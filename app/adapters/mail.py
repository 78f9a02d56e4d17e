"""Gateways of messages: SMTP for e-mail, and for every medium one that prints, for development.

Who sends text messages or speaks to a push service adds a gateway of their own here, and its scheme to `gateway_of`.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
from aiosmtplib.errors import SMTPConnectError, SMTPException, SMTPHeloError, SMTPNotSupported, SMTPResponseException
from email_validator import EmailNotValidError, validate_email

from app.settings import Settings
from app.terminal import err
from domain import ids
from domain.messages import Letter, MessageGateway, MessageMedium, NotNow, Undeliverable

SEND_SECONDS = 30.0


class AsItIs(UnstructuredHeader, BaseHeader):
    """A header that is never folded: Python would put a long address into encoded words, which no program follows."""

    def fold(self, *, policy: Any) -> str:
        """The header as one line."""
        return f"{self.name}: {self}{policy.linesep}"


HEADERS = HeaderRegistry()
HEADERS.map_to_type("list-unsubscribe", AsItIs)
HEADERS.map_to_type("message-id", AsItIs)
ASCII, ANY_SCRIPT = SMTP.clone(header_factory=HEADERS), SMTPUTF8.clone(header_factory=HEADERS)


@dataclass(frozen=True, slots=True)
class SmtpGateway:
    """Hands mail to an SMTP server. What it answers with 5xx is final, all else may do better later."""

    url: str
    sender: str

    async def send(self, letter: Letter) -> str:
        """Hand over one mail, under a Message-ID that is the same each time."""
        mail = mail_of(letter, self.sender)
        try:
            _, answer = await aiosmtplib.send(mail, timeout=SEND_SECONDS, **dialed(self.url))
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refused(error.recipients[0]) from error
        except (SMTPConnectError, SMTPHeloError, aiosmtplib.SMTPAuthenticationError) as error:
            raise NotNow(f"the mail server does not let us in: {error}") from error  # ours to mend, not the letter's
        except SMTPResponseException as error:
            raise _refused(error) from error
        except SMTPNotSupported as error:
            if mail.policy is ANY_SCRIPT:
                raise Undeliverable(f"the mail server cannot write to this address: {error}") from error
            raise NotNow(str(error)) from error
        except (SMTPException, ssl.SSLError, OSError) as error:
            raise NotNow(f"the mail server does not answer: {error}") from error
        return answer


def _refused(error: SMTPResponseException) -> Exception:
    said = f"{error.code} {error.message}"
    return Undeliverable(said) if error.code >= 500 else NotNow(said)


def dialed(url: str) -> dict[str, Any]:
    """How to reach the server of a URL: smtp://user:password@host:587/?starttls, smtps://host.

    A password is never sent in the clear.
    """
    parts = urlsplit(url)
    at_once = parts.scheme == "smtps"
    demanded = "starttls" in parse_qs(parts.query, keep_blank_values=True)
    return {
        "hostname": parts.hostname,
        "port": parts.port or (465 if at_once else 587 if demanded else 25),
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "use_tls": at_once,
        "start_tls": False if at_once else demanded or bool(parts.password) or None,  # None: if the server offers it
    }


def mail_of(letter: Letter, sender: str) -> EmailMessage:
    """A letter as a mail: always with plain text, addressed to one person."""
    to, is_ascii = _address(letter.recipient)
    name, address = parseaddr(sender)
    mail = EmailMessage(policy=ASCII if is_ascii else ANY_SCRIPT)
    mail["From"] = Address(name, addr_spec=address)
    mail["To"] = to
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{ids.encode('Message', letter.id)}@{address.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe_url is not None:
        mail["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(letter.text)
    if letter.html is not None:
        mail.add_alternative(letter.html, subtype="html")
    mail["Content-Language"] = letter.language  # last: a part that is added takes such headers to itself
    return mail


def _address(text: str) -> tuple[Address, bool]:
    """Where it goes, and whether every mail server can write that."""
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise Undeliverable(f"no e-mail address: {error}") from error
    if found.ascii_local_part is not None:
        return Address(username=found.ascii_local_part, domain=found.ascii_domain), True
    return Address(username=found.local_part, domain=found.domain), False


@dataclass(frozen=True, slots=True)
class ConsoleGateway:
    """Prints what would be sent: for development."""

    medium: MessageMedium

    async def send(self, letter: Letter) -> str:
        """Print it."""
        err.out(f"── {self.medium} to {letter.recipient}\n{letter.subject}\n\n{letter.text}", highlight=False)
        return "printed"


def gateways(settings: Settings) -> Mapping[MessageMedium, MessageGateway]:
    """A gateway for each medium that is set up. In development, mail is printed where nothing else is said."""
    urls = {
        MessageMedium.EMAIL: settings.mail_url or ("console:" if settings.development else None),
        MessageMedium.SMS: settings.sms_url,
        MessageMedium.PUSH: settings.push_url,
    }
    return {medium: gateway_of(medium, url, settings) for medium, url in urls.items() if url is not None}


def gateway_of(medium: MessageMedium, url: str, settings: Settings) -> MessageGateway:
    """The gateway that a URL means; settings have seen to it that there is one."""
    if url == "console:":
        return ConsoleGateway(medium)
    assert settings.mail_from is not None, "settings ask for it"
    return SmtpGateway(url, settings.mail_from)
