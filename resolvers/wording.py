"""Wording: a message's kind and what the graph says of its cause become words in the customer's language.

Templates are Jinja2's, in folders: `<channel>/<language>/`, `<language>/`, `<channel>/` and the folder itself, the
shop's own folder before ours. The language is chosen once for a message, so no mail is half in one and half in another.
"""

import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency
from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    pass_context,
)
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from domain.messages import MessageKind, MessageMedium
from domain.store.messages import Sender

LAST_RESORT = "en"
"""The language that every kind is worded in, in our own folder."""

FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What a channel's code must look like to name a folder."""

SUBJECT = re.compile(r"Subject:[ \t]*(.*)\n")
GAPS = re.compile(r"\n\s*\n\s*\n")
"""What is left where a template had nothing to say."""

LONGEST_SUBJECT = 200
LONGEST_NAME = 60
NO_NAME = re.compile(r"https?:|www\.|[/<>@\\]", re.IGNORECASE)
"""What no name holds, but whoever orders in somebody else's name to have us send them a link."""


class Unwordable(Exception):
    """A template or its document is broken, or there is none; the message says which and where."""


@dataclass(frozen=True, slots=True)
class Words:
    """A message in words. `locale` is the one its money and dates are written for."""

    locale: str
    subject: str
    text: str
    html: str | None = None


class Wording:
    """Writes messages out of templates in folders, the first of which is asked first."""

    def __init__(
        self, folders: Sequence[Path], *, locale: str = LAST_RESORT, storefront_url: str | None = None
    ) -> None:
        self.folders = tuple(folders)
        self.locale = locale
        self.storefront_url = storefront_url

    def document(self, kind: MessageKind, sender: Sender) -> str:
        """The GraphQL document whose answer the templates of a kind get."""
        name = f"{kind.lower()}.graphql"
        for place in self._places(sender.code):
            if (place / name).is_file():
                return (place / name).read_text(encoding="utf-8")
        raise Unwordable(f"there is no {name}")

    def write(
        self,
        kind: MessageKind,
        medium: MessageMedium,
        sender: Sender,
        locale: str | None,
        data: Mapping[str, Any],
        unsubscribe_url: str | None = None,
    ) -> Words:
        """The message for somebody who reads `locale`, in the nearest language that it is worded in."""
        by_mail = medium is MessageMedium.EMAIL
        name = f"{kind.lower()}.txt" if by_mail else f"{kind.lower()}.short.txt"
        wanted = locale or self.locale
        language = self._language(name, sender.code, wanted)
        reader = wanted if _speech(wanted) == _speech(language) else language
        context = {
            **data,
            "locale": reader,
            "time_zone": sender.time_zone,
            "sender": sender.name,
            "link": self._link,
            "unsubscribe_url": unsubscribe_url,
        }
        environment = _environment(tuple(self._places(sender.code, language)))
        text = _rendered(environment, name, context)
        if not by_mail:
            return Words(reader, sender.name, text.strip())
        subject, text = _parted(name, text)
        html_name = f"{kind.lower()}.html"
        has_html = any((folder / html_name).is_file() for folder in self._places(sender.code, language))
        html = _rendered(environment, html_name, {**context, "subject": subject}) if has_html else None
        return Words(reader, subject, text, html)

    # -- where ---------------------------------------------------------------------------------------------------------

    def _places(self, channel: str, language: str | None = None) -> Iterator[Path]:
        """Where to look, in order. A language's folders come before those of no language: they hold the common frame."""
        roots = [
            root
            for folder in self.folders
            for root in ((folder / channel, folder) if FOLDER.fullmatch(channel) else (folder,))
        ]
        if language is not None:
            yield from (root / language for root in roots)
        yield from roots

    def _language(self, name: str, channel: str, locale: str) -> str:
        """The nearest language that a template is written in."""
        for language in self._languages(channel, locale):
            if any((place / language / name).is_file() for place in self._places(channel)):
                return language
        raise Unwordable(f"there is no {name}")

    def _languages(self, channel: str, locale: str) -> Iterator[str]:
        """The locale, its language, other countries' forms of that language; then the same of the default."""
        for each in (locale, self.locale, LAST_RESORT):
            yield from (each, _speech(each))
            for place in self._places(channel):
                yield from sorted(found.name for found in place.glob(f"{_speech(each)}-*") if found.is_dir())

    def _link(self, *parts: str) -> str | None:
        """A page of the storefront; None where it is not known. There is no other way to make an address."""
        if self.storefront_url is None:
            return None
        return "/".join((self.storefront_url.rstrip("/"), *(quote(str(part), safe="") for part in parts)))


def _speech(locale: str) -> str:
    """The language alone."""
    return locale.partition("-")[0]


# -- rendering -----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _environment(places: tuple[Path, ...]) -> Environment:
    """Templates of these folders: they cannot reach into Python, and what they misspell is an error."""
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(places),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"money": _money, "day": _day, "moment": _moment, "name": _name}
    return environment


def _rendered(environment: Environment, name: str, context: Mapping[str, Any]) -> str:
    try:
        return environment.get_template(name).render(context)
    except TemplateSyntaxError as error:
        raise Unwordable(f"{error.name or name}, line {error.lineno}: {error.message}") from error
    except TemplateNotFound as error:
        raise Unwordable(f"{name}: there is no {error.name}") from error
    except TemplateError as error:
        raise Unwordable(f"{_where(error, name)}: {error}") from error
    except Exception as error:  # whatever a template does wrong is the template's error, and nobody else's
        raise Unwordable(f"{_where(error, name)}: {type(error).__name__}: {error}") from error


def _where(error: Exception, name: str) -> str:
    """The template and the line where it went wrong: Jinja writes both into the traceback."""
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith((".txt", ".html"))]
    return f"{Path(lines[-1].filename).name}, line {lines[-1].lineno}" if lines else name


def _parted(name: str, text: str) -> tuple[str, str]:
    """(subject, text): the first line says the subject."""
    found = SUBJECT.match(text)
    subject = " ".join(found[1].split()) if found else ""
    if not found or not subject:
        raise Unwordable(f"{name}, line 1: it must begin with “Subject: ” and the subject")
    return subject[:LONGEST_SUBJECT], GAPS.sub("\n\n", text[found.end() :]).strip() + "\n"


# -- as people write it --------------------------------------------------------------------------------------------


def _reader(context: Context) -> Locale:
    try:
        return Locale.parse(context["locale"], sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(LAST_RESORT)


def _in_zone(context: Context, instant: str) -> datetime:
    return datetime.fromisoformat(str(instant)).astimezone(ZoneInfo(context["time_zone"]))


@pass_context
def _money(context: Context, money: Mapping[str, str]) -> str:
    """`{{ order.total | money }}`: R$ 12,90."""
    return format_currency(Decimal(money["amount"]), money["currency"], locale=_reader(context))


@pass_context
def _day(context: Context, instant: str) -> str:
    """`{{ order.placedAt | day }}`: the day, in the channel's time zone."""
    return format_date(_in_zone(context, instant).date(), "long", locale=_reader(context))


@pass_context
def _moment(context: Context, instant: str) -> str:
    """`{{ order.placedAt | moment }}`: the day and the time, in the channel's time zone."""
    return format_datetime(_in_zone(context, instant), "medium", locale=_reader(context))


def _name(name: str | None) -> str:
    """`{{ order.customer.firstName | name }}`: a name to greet somebody by; nothing where it is none."""
    said = " ".join((name or "").split())
    return "" if len(said) > LONGEST_NAME or NO_NAME.search(said) else said
