"""Mail: what is put into one, and what a server's answers mean. On a real SMTP server."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from app.adapters.mail import ConsoleGateway, SmtpGateway, dialed, gateways, mail_of
from app.settings import Mode, Settings
from domain.messages import Letter, MessageMedium, NotNow, Undeliverable
from tests.post import PostOffice, part, post_office

SENDER = "Loja São João <pedidos@shop.example>"
LETTER = Letter(
    UUID("01900000-0000-7000-8000-000000000001"), "ana@example.com", "Olá", "Olá, Ana 👋\n", "<p>Olá</p>", "pt-BR"
)


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    async with post_office() as office:
        yield office


async def test_a_mail_says_the_same_in_text_and_html_and_who_wrote_it(office: PostOffice) -> None:
    answer = await SmtpGateway(office.url, SENDER).send(LETTER)
    (mail,) = office.mails
    assert answer == "queued as 1"
    assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, "ana@example.com", "Olá")
    assert mail["Message-ID"] == "<msg_01900000-0000-7000-8000-000000000001@shop.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert (part(mail), part(mail, "html")) == ("Olá, Ana 👋\n", "<p>Olá</p>\n")
    assert mail["List-Unsubscribe"] is None


async def test_an_address_in_a_header_stays_whole_however_long_it_is(office: PostOffice) -> None:
    url = f"https://shop.example/unsubscribe?token={'e' * 300}"
    sender = f"orders@{'long.' * 20}example"
    await SmtpGateway(office.url, sender).send(replace(LETTER, unsubscribe_url=url))
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in office.raw[0]
    assert f"\r\nMessage-ID: <msg_{LETTER.id}@{'long.' * 20}example>\r\n".encode() in office.raw[0]


async def test_a_mail_without_html_is_plain(office: PostOffice) -> None:
    await SmtpGateway(office.url, SENDER).send(replace(LETTER, html=None))
    (mail,) = office.mails
    assert mail.get_content_type() == "text/plain"
    assert mail["Content-Language"] == "pt-BR"


@pytest.mark.parametrize(
    "recipient",
    ["", "ana", "ana@", "ana@example", "ana@ex ample.com", "ana@example.com, bob@example.com", "<ana@example.com>",
     "ana@example.com\nBcc: bob@example.com", "Ana <ana@example.com>"],
)  # fmt: skip
async def test_what_is_no_address_is_never_dialed(office: PostOffice, recipient: str) -> None:
    with pytest.raises(Undeliverable, match="no e-mail address"):
        await SmtpGateway(office.url, SENDER).send(replace(LETTER, recipient=recipient))
    assert office.mails == []


@pytest.mark.parametrize("name", ["subject", "unsubscribe_url"])
def test_no_value_begins_another_header(name: str) -> None:
    letter = replace(LETTER, **{name: "https://x\r\nBcc: bob@example.com"})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"linefeed|newline|CR or LF"):
        mail_of(letter, SENDER)


async def test_an_address_in_any_script_is_written_to(office: PostOffice) -> None:
    gateway = SmtpGateway(office.url, SENDER)
    await gateway.send(replace(LETTER, recipient="joão@exemplo.com.br"))
    await gateway.send(replace(LETTER, recipient="ana@café.com.br"))
    assert [str(mail["To"]) for mail in office.mails] == ["joão@exemplo.com.br", "ana@xn--caf-dma.com.br"]


@pytest.mark.parametrize(
    ("reply", "means"),
    [("550 5.1.1 no such user", Undeliverable), ("552 full", Undeliverable), ("451 greylisted", NotNow), ("421 busy", NotNow)],
)  # fmt: skip
async def test_5xx_is_final_and_4xx_is_not(office: PostOffice, reply: str, means: type[Exception]) -> None:
    office.replies["ana@example.com"] = [reply]
    with pytest.raises(means, match=reply[:3]):
        await SmtpGateway(office.url, SENDER).send(LETTER)


@pytest.mark.parametrize("url", ["smtp://ana:secret@127.0.0.1:{port}", "smtp://127.0.0.1:{port}/?starttls",
                                 "smtps://127.0.0.1:{port}", "smtp://127.0.0.1:1"])  # fmt: skip
async def test_what_is_ours_to_mend_is_tried_again(office: PostOffice, url: str) -> None:
    """A password, encryption or a port that is not there fails no letter: it is set right, and the letters go out."""
    with pytest.raises(NotNow):
        await SmtpGateway(url.format(port=office.port), SENDER).send(LETTER)
    assert office.mails == []


def test_a_url_says_how_to_dial() -> None:
    assert dialed("smtp://a%40b:p%2Fw@mail.example/?starttls") == {
        "hostname": "mail.example", "port": 587, "username": "a@b", "password": "p/w", "use_tls": False,
        "start_tls": True,
    }  # fmt: skip
    assert dialed("smtps://mail.example")["port"] == 465
    assert dialed("smtp://mail.example")["start_tls"] is None
    assert dialed("smtp://ana:secret@mail.example")["start_tls"] is True


async def test_in_development_mail_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    carrying = gateways(Settings(ORDERGRAPH_MODE=Mode.DEVELOPMENT, mail_url=None, sms_url="console:"))
    assert carrying == {medium: ConsoleGateway(medium) for medium in (MessageMedium.EMAIL, MessageMedium.SMS)}
    odd = replace(LETTER, subject="[bold]Olá :warning:", recipient="[/x]")
    assert await carrying[MessageMedium.EMAIL].send(odd) == "printed"
    told = capsys.readouterr().err
    assert "EMAIL to [/x]\n[bold]Olá :warning:\n" in told
    assert "Ana 👋" in told


def test_in_production_nothing_is_carried_that_was_not_set_up() -> None:
    assert gateways(Settings(ORDERGRAPH_MODE=Mode.PRODUCTION, ORDERGRAPH_SECRET="s" * 32)) == {}
