"""Settings: defaults that work, refusals that name the variable, a secret that only its owner reads."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import ROOT_HOME, Mode, SettingsError, kept_secret, read_settings

NAMES = (
    "DATABASE_URL",
    "DATABASE_REPLICA_URLS",
    "REPLICA_LAG_SECONDS",
    "REDIS_URL",
    "HOST",
    "PORT",
    "READ_POOL_SIZE",
    "WRITE_POOL_SIZE",
    "INTROSPECTION",
    "TRUSTED_DOCUMENTS",
    "TRUSTED_DOCUMENTS_ONLY",
    "WEBHOOK_PRIVATE_TARGETS",
    "XDG_DATA_HOME",
    "MAIL_URL",
    "MAIL_FROM",
    "SMS_URL",
    "PUSH_URL",
    "MESSAGE_TEMPLATES",
    "MESSAGE_LOCALE",
    "STOREFRONT_URL",
    "UNSUBSCRIBE_URL",
)
LONG = "x" * 32


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NAMES, *(name for name in os.environ if name.startswith("ORDERGRAPH_"))):
        monkeypatch.delenv(name, raising=False)


def test_without_any_variable_it_works_on_a_laptop() -> None:
    settings = read_settings()
    assert (settings.host, settings.port, settings.database_url) == ("127.0.0.1", 8000, None)
    assert settings.mode is Mode.DEVELOPMENT
    assert (settings.read_pool_size, settings.write_pool_size) == (6, 8)


def test_the_data_lies_where_the_user_keeps_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert read_settings().home == tmp_path / "ordergraph"


def test_roots_data_lies_where_the_servers_account_can_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert read_settings().home == ROOT_HOME


def test_ordergraph_home_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ORDERGRAPH_HOME", str(tmp_path / "here"))
    assert read_settings().home == tmp_path / "here"
    assert read_settings().data_dir == tmp_path / "here" / "postgres"


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("PORT", "")
    assert (read_settings().database_url, read_settings().port) == (None, 8000)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("PORT", "eighty", "PORT: .*integer"),
        ("PORT", "70000", "PORT: .*65535"),
        ("DATABASE_URL", "mysql://localhost/x", "DATABASE_URL: must start with postgresql://"),
        ("REDIS_URL", "http://localhost:6379", "REDIS_URL: must start with redis://"),
        ("ORDERGRAPH_MODE", "holiday", "ORDERGRAPH_MODE: .*development"),
        ("ORDERGRAPH_SECRET", "short", "ORDERGRAPH_SECRET needs at least 32 bytes"),
        ("READ_POOL_SIZE", "0", "READ_POOL_SIZE: .*1"),
        (
            "DATABASE_REPLICA_URLS",
            "postgresql://a/x,mysql://b/x",
            "DATABASE_REPLICA_URLS: must start with postgresql://",
        ),
        ("DATABASE_REPLICA_URLS", "postgresql://a/x,", "DATABASE_REPLICA_URLS: must start with postgresql://"),
        ("REPLICA_LAG_SECONDS", "0", "REPLICA_LAG_SECONDS: .*greater than 0"),
    ],
)
def test_a_bad_value_is_refused_by_its_variables_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, complaint: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=complaint):
        read_settings()


def test_replicas_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().database_replica_urls == ()
    monkeypatch.setenv("DATABASE_REPLICA_URLS", "postgresql://a/x, postgres://b/x?host=/tmp")
    assert read_settings().database_replica_urls == ("postgresql://a/x", "postgres://b/x?host=/tmp")


def test_a_refusal_does_not_repeat_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERGRAPH_SECRET", "too short but secret")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert "too short but secret" not in str(caught.value)


def test_production_wants_its_secret_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERGRAPH_MODE", "production")
    with pytest.raises(SettingsError, match="ORDERGRAPH_SECRET is required in production"):
        read_settings()
    monkeypatch.setenv("ORDERGRAPH_SECRET", LONG)
    assert read_settings().secret == LONG


def test_introspection_is_as_the_mode_says_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().introspects
    monkeypatch.setenv("INTROSPECTION", "false")
    assert not read_settings().introspects
    monkeypatch.setenv("ORDERGRAPH_MODE", "production")
    monkeypatch.setenv("ORDERGRAPH_SECRET", LONG)
    monkeypatch.delenv("INTROSPECTION")
    assert not read_settings().introspects
    monkeypatch.setenv("INTROSPECTION", "true")
    assert read_settings().introspects


def test_who_accepts_trusted_documents_alone_must_name_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRUSTED_DOCUMENTS_ONLY", "true")
    with pytest.raises(SettingsError, match="TRUSTED_DOCUMENTS_ONLY needs TRUSTED_DOCUMENTS"):
        read_settings()
    monkeypatch.setenv("TRUSTED_DOCUMENTS", str(tmp_path / "documents.json"))
    assert read_settings().trusted_documents_only


def test_settings_do_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError):
        read_settings().port = 1  # type: ignore[misc]


def test_the_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERGRAPH_SECRET", LONG)
    assert LONG not in repr(read_settings())


def test_in_development_a_secret_is_made_once_and_kept_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ORDERGRAPH_HOME", str(tmp_path / "home"))
    first, second = read_settings().secret, read_settings().secret
    assert first == second
    assert len(first) >= 32
    assert (tmp_path / "home" / "secret").stat().st_mode & 0o777 == 0o600


def test_processes_that_make_the_secret_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: kept_secret(tmp_path / "secret"), range(32)))
    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"MAIL_URL": "mail.example"}, "MAIL_URL: must be smtp://host"),
        ({"MAIL_URL": "smtp://"}, "MAIL_URL: must be smtp://host"),
        ({"MAIL_URL": "smtp://mail.example"}, "MAIL_URL needs MAIL_FROM"),
        ({"MAIL_URL": "smtp://mail.example", "MAIL_FROM": "Shop"}, "MAIL_FROM: must be an address"),
        ({"MAIL_FROM": "a@shop.example\nBcc: b@shop.example"}, "MAIL_FROM: must be an address"),
        ({"SMS_URL": "https://sms.example"}, "SMS_URL: must be console:"),
        ({"MESSAGE_LOCALE": "pt_BR"}, "MESSAGE_LOCALE: must be a language"),
        ({"MESSAGE_TEMPLATES": "/nowhere/at/all"}, "MESSAGE_TEMPLATES: there is no folder"),
        ({"STOREFRONT_URL": "javascript:alert(1)"}, "STOREFRONT_URL: must start with https://"),
        ({"UNSUBSCRIBE_URL": "shop.example"}, "UNSUBSCRIBE_URL: must start with https://"),
        (
            {"ORDERGRAPH_MODE": "production", "ORDERGRAPH_SECRET": LONG, "MAIL_URL": "console:"},
            "console: prints what customers are told",
        ),
    ],
)
def test_what_cannot_write_to_customers_is_refused(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], said: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refusal:
        read_settings()
    assert said in str(refusal.value)


def test_a_mail_servers_password_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_URL", "smtp://ana:hunter2@mail.example")
    monkeypatch.setenv("MAIL_FROM", "Shop <orders@shop.example>")
    assert "hunter2" not in repr(read_settings())


@pytest.mark.parametrize(
    ("mode", "given", "strict"),
    [
        ("development", None, False),
        ("development", "false", True),
        ("production", None, True),
        ("production", "true", False),
    ],
)
def test_webhooks_go_to_the_open_internet_alone_in_production(
    monkeypatch: pytest.MonkeyPatch, mode: str, given: str | None, strict: bool
) -> None:
    monkeypatch.setenv("ORDERGRAPH_MODE", mode)
    monkeypatch.setenv("ORDERGRAPH_SECRET", LONG)
    if given:
        monkeypatch.setenv("WEBHOOK_PRIVATE_TARGETS", given)
    assert read_settings().webhooks_strict is strict
