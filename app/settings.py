"""What can be set from outside, in one frozen object. Everything has a default that works on a laptop."""

import os
import secrets
import sys
from contextlib import suppress
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from platformdirs import user_data_path
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.failure import Failure
from domain.messages import LOCALE

SHORTEST_SECRET = 32
"""HS256 wants a key as long as its digest."""

ROOT_HOME = Path("/var/lib/ordergraph")
"""Root's own home is closed to the account that PostgreSQL runs as, so root's data lies here."""


def default_home() -> Path:
    """The user's data directory, or a system one for root."""
    if sys.platform != "win32" and os.geteuid() == 0:
        return ROOT_HOME
    return user_data_path("ordergraph", appauthor=False)


class Mode(StrEnum):
    """How careful to be: development makes up what is missing, production refuses to start without it."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class SettingsError(Failure):
    """The environment holds something that we cannot work with; the message says what."""


class Settings(BaseSettings):
    """The environment, read once.

    A field with an alias is known by that alone: by its own name it would also read HOME and MODE.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_ignore_empty=True)

    database_url: str | None = Field(default=None, description="Another PostgreSQL (16+); the embedded one when empty")
    database_replica_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Streaming replicas to read from, separated by commas"
    )
    replica_lag_seconds: float = Field(default=10, gt=0, description="How far behind a replica may be and be read")
    redis_url: str | None = Field(default=None, description="Redis or Valkey that wakes subscribers across processes")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    home: Path = Field(default_factory=default_home, validation_alias="ORDERGRAPH_HOME")
    mode: Mode = Field(default=Mode.DEVELOPMENT, validation_alias="ORDERGRAPH_MODE")
    given_secret: str | None = Field(default=None, validation_alias="ORDERGRAPH_SECRET", repr=False)
    with_worker: bool = Field(default=False, description="Whether `serve` also does the work of `ordergraph worker`")
    read_pool_size: int = Field(default=6, ge=1, le=100)
    write_pool_size: int = Field(default=8, ge=1, le=100)
    introspection: bool | None = Field(default=None, description="Whether the schema tells of itself; by the mode")
    trusted_documents: Path | None = Field(default=None, description="Manifest of the documents that clients may name")
    mail_url: str | None = Field(
        default=None, repr=False, description="smtp://user:password@host:587/?starttls, smtps://host or console:"
    )
    mail_from: str | None = Field(default=None, description="From whom mail comes, such as Shop <orders@shop.example>")
    sms_url: str | None = Field(default=None, description="console: prints text messages; there is no other yet")
    push_url: str | None = Field(default=None, description="console: prints notices; there is no other yet")
    message_templates: Path | None = Field(default=None, description="Folder of templates that stand before ours")
    message_locale: str = Field(default="en", description="The language of messages where nobody says another")
    storefront_url: str | None = Field(default=None, description="What links in messages lead to")
    unsubscribe_url: str | None = Field(
        default=None, max_length=500, description="The storefront's page that takes opt-outs"
    )
    trusted_documents_only: bool = Field(default=False, description="Whether nothing else is accepted")

    webhook_private_targets: bool | None = Field(
        default=None, description="Whether webhooks may go to private addresses, by http, to any port; by the mode"
    )

    @field_validator("database_url")
    @classmethod
    def _is_a_postgres_url(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).scheme not in {"postgresql", "postgres"}:
            raise ValueError("must start with postgresql://")
        return url

    @field_validator("mail_url")
    @classmethod
    def _carries_mail(cls, url: str | None) -> str | None:
        if url not in (None, "console:") and (
            urlsplit(url).scheme not in {"smtp", "smtps"} or not urlsplit(url).hostname
        ):
            raise ValueError("must be smtp://host, smtps://host or console:")
        return url

    @field_validator("sms_url", "push_url")
    @classmethod
    def _is_printed(cls, url: str | None) -> str | None:
        if url not in (None, "console:"):
            raise ValueError("must be console:; there is no other gateway yet")
        return url

    @field_validator("mail_from")
    @classmethod
    def _is_an_address(cls, sender: str | None) -> str | None:
        if sender is not None:
            try:
                validate_email(sender, allow_display_name=True, check_deliverability=False)
            except EmailNotValidError as error:
                raise ValueError(f"must be an address, such as Shop <orders@shop.example>: {error}") from None
        return sender

    @field_validator("message_locale")
    @classmethod
    def _is_a_locale(cls, locale: str) -> str:
        if not LOCALE.fullmatch(locale):
            raise ValueError("must be a language and perhaps a country, such as pt-BR")
        return locale

    @field_validator("message_templates")
    @classmethod
    def _is_a_folder(cls, folder: Path | None) -> Path | None:
        if folder is not None and not folder.is_dir():
            raise ValueError(f"there is no folder {folder}")
        return folder and folder.absolute()

    @field_validator("storefront_url", "unsubscribe_url")
    @classmethod
    def _is_a_page(cls, url: str | None) -> str | None:
        if url is not None and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname):
            raise ValueError("must start with https:// or http://")
        return url

    @field_validator("redis_url")
    @classmethod
    def _is_a_redis_url(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("must start with redis://, rediss:// or unix://")
        return url

    @field_validator("database_replica_urls", mode="before")
    @classmethod
    def _are_postgres_urls(cls, urls: str | tuple[str, ...]) -> tuple[str, ...]:
        listed = [url.strip() for url in urls.split(",")] if isinstance(urls, str) else urls
        for url in listed:
            cls._is_a_postgres_url(url)
        return tuple(listed)

    @field_validator("home")
    @classmethod
    def _is_absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @model_validator(mode="after")
    def _has_what_production_needs(self) -> Self:
        if self.given_secret is None and self.mode is Mode.PRODUCTION:
            raise ValueError("ORDERGRAPH_SECRET is required in production")
        if self.given_secret is not None and len(self.given_secret.encode()) < SHORTEST_SECRET:
            raise ValueError(f"ORDERGRAPH_SECRET needs at least {SHORTEST_SECRET} bytes")
        return self

    @model_validator(mode="after")
    def _can_write_to_customers(self) -> Self:
        if self.mail_url not in (None, "console:") and self.mail_from is None:
            raise ValueError("MAIL_URL needs MAIL_FROM")
        if self.mode is Mode.PRODUCTION and "console:" in (self.mail_url, self.sms_url, self.push_url):
            raise ValueError("console: prints what customers are told, and is for development")
        return self

    @model_validator(mode="after")
    def _has_what_it_trusts_alone(self) -> Self:
        if self.trusted_documents_only and self.trusted_documents is None:
            raise ValueError("TRUSTED_DOCUMENTS_ONLY needs TRUSTED_DOCUMENTS")
        return self

    @property
    def introspects(self) -> bool:
        """Whether the schema tells of itself: as set, else in development alone."""
        return self.development if self.introspection is None else self.introspection

    @property
    def webhooks_strict(self) -> bool:
        """Whether webhooks go to the open internet alone: as set, else in production."""
        return not (self.development if self.webhook_private_targets is None else self.webhook_private_targets)

    @property
    def development(self) -> bool:
        """Whether missing things may be made up."""
        return self.mode is Mode.DEVELOPMENT

    @property
    def data_dir(self) -> Path:
        """Where the embedded PostgreSQL keeps its data."""
        return self.home / "postgres"

    @cached_property
    def secret(self) -> str:
        """The key that signs tokens: given, or made once and kept in the home."""
        return self.given_secret or kept_secret(self.home / "secret")


def kept_secret(path: Path) -> str:
    """The secret at `path`, made on first use; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        _create_private(path, secrets.token_urlsafe(48))
    return path.read_text().strip()


def _create_private(path: Path, text: str) -> None:
    """Write `text` to a new file that appears whole or not at all: another process may be looking."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
        os.link(draft, path)
    finally:
        draft.unlink()


def read_settings() -> Settings:
    """The settings of this process, or `SettingsError` in words that name the variable."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(dict(each)) for each in error.errors())) from None


def _explain(error: dict[str, object]) -> str:
    location = error["loc"]
    name = ".".join(str(part) for part in location) if isinstance(location, tuple) else ""
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{name.upper()}: {message}" if name else message
