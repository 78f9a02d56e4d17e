"""Wording: which template speaks, in which language, and what a broken one says of itself."""

from pathlib import Path
from typing import Any

import pytest

from app.crew import TEMPLATES
from domain.messages import MessageKind, MessageMedium
from domain.store.messages import Sender
from resolvers.wording import Unwordable, Wording, Words

WEB = Sender("web", "Web shop", "America/Sao_Paulo")
CONFIRMED, EMAIL = MessageKind.ORDER_CONFIRMED, MessageMedium.EMAIL


def brl(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "BRL"}


LINE = {"name": "Cup & saucer", "quantity": 1234, "total": brl("1234.50")}
ADDRESS = {"line1": "Rua 1", "line2": None, "city": "São Paulo", "region": "SP", "postalCode": None, "country": "BR"}
DATA: dict[str, Any] = {
    "order": {
        "number": "100/7",
        "placedAt": "2026-03-02T01:30:00+00:00",
        "customer": {"firstName": "Ana"},
        "lines": [LINE],
        "subtotal": brl("1234.50"),
        "discountTotal": brl("0.00"),
        "shippingTotal": brl("10.00"),
        "taxTotal": brl("0.00"),
        "total": brl("1244.50"),
        "shippingAddress": ADDRESS,
        "deliverBy": None,
    },
    "shipment": {
        "carrier": "correios", "service": None, "estimatedDelivery": None, "deliveredAt": None,
        "packages": [{"trackingNumber": "BR1"}], "lines": [{"quantity": 1, "orderLine": {"name": "Cup"}}],
    },
    "fulfillmentOrder": {"location": {"name": "Loja", "address": ADDRESS}, "lines": [{**LINE, "short": 1}]},
    "back": {"number": "9", "lines": [{"receivedQuantity": 1, "orderLine": {"name": "Cup"}}]},
    "refund": {"amount": brl("5.00"), "last4": None, "parent": None},
}  # fmt: skip


def written(*folders: Path, locale: str | None = None, default: str = "en", sender: Sender = WEB) -> Words:
    wording = Wording((*folders, TEMPLATES), locale=default, storefront_url="https://shop.example/")
    return wording.write(CONFIRMED, EMAIL, sender, locale, DATA)


def put(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("locale", ["en", "pt-BR"])
@pytest.mark.parametrize("kind", MessageKind)
def test_every_kind_is_worded_in_every_way(kind: MessageKind, locale: str) -> None:
    wording = Wording((TEMPLATES,), storefront_url="https://shop.example")
    mail = wording.write(kind, EMAIL, WEB, locale, DATA, "https://shop.example/leave?token=t&x=1")
    short = wording.write(kind, MessageMedium.SMS, WEB, locale, DATA)
    number = "9" if kind is MessageKind.RETURN_RECEIVED else "100/7"
    assert mail.locale == short.locale == locale
    assert mail.html is not None
    assert number in mail.text
    assert number in mail.html
    assert number in short.text
    assert "https://shop.example/orders/100%2F7" in mail.text
    assert "https://shop.example/leave?token=t&x=1" in mail.text
    assert 'href="https://shop.example/leave?token=t&amp;x=1"' in mail.html
    assert "\n" not in mail.subject + short.text
    assert short.subject == "Web shop"


def test_kinds_that_nobody_may_leave_show_no_link_to_leave_them() -> None:
    words = written()
    assert words.html is not None
    assert "nsubscribe" not in words.text + words.html


@pytest.mark.parametrize(
    ("locale", "subject", "total", "day"),
    [
        ("pt-BR", "Seu pedido 100/7 foi confirmado", "R$\xa01.244,50", "1 de março de 2026"),
        ("pt-PT", "Seu pedido 100/7 foi confirmado", "244,50\xa0R$", "1 de março de 2026"),
        ("en", "Your order 100/7 is confirmed", "R$1,244.50", "March 1, 2026"),
        ("en-GB", "Your order 100/7 is confirmed", "R$1,244.50", "1 March 2026"),
        ("ja", "Your order 100/7 is confirmed", "R$1,244.50", "March 1, 2026"),
        ("xx-YY", "Your order 100/7 is confirmed", "R$1,244.50", "March 1, 2026"),
    ],
)
def test_money_and_days_are_written_as_the_reader_of_the_language_writes_them(
    locale: str, subject: str, total: str, day: str
) -> None:
    words = written(locale=locale)
    assert words.subject == subject
    assert total in words.text
    assert day in words.text  # in the channel's time zone it was still the day before


def test_the_shops_own_words_stand_before_ours_and_the_channels_before_the_shops(tmp_path: Path) -> None:
    put(tmp_path, "en/order_confirmed.txt", "Subject: Shop\nEverybody's {{ order.number }}")
    put(tmp_path, "web/en/order_confirmed.txt", "Subject: Web\nThe web's {{ order.number }}")
    put(tmp_path, "layout.html", "<p>Ours</p>{% block content %}{% endblock %}")
    web, phone = written(tmp_path), written(tmp_path, sender=Sender("phone", "Phone", "UTC"))
    assert (web.subject, web.text) == ("Web", "The web's 100/7\n")
    assert (phone.subject, phone.text) == ("Shop", "Everybody's 100/7\n")
    assert web.html is not None
    assert web.html.startswith("<p>Ours</p>")
    assert written(tmp_path, locale="pt-BR").subject == "Seu pedido 100/7 foi confirmado"


def test_a_language_is_looked_for_before_the_default_and_the_default_before_english(tmp_path: Path) -> None:
    put(tmp_path, "fr/order_confirmed.txt", "Subject: Bonjour\nbonjour")
    put(tmp_path, "de/order_confirmed.txt", "Subject: Hallo\nhallo")
    assert written(tmp_path, locale="fr-CA").subject == "Bonjour"
    assert written(tmp_path, locale="ja", default="de").subject == "Hallo"
    assert written(tmp_path, locale=None, default="de-AT").subject == "Hallo"


def test_a_mail_is_never_half_in_one_language_and_half_in_another(tmp_path: Path) -> None:
    put(tmp_path, "fr/order_confirmed.txt", "Subject: Bonjour\nbonjour")
    assert written(tmp_path, locale="fr").html is None


@pytest.mark.parametrize("code", ["../outside", "/etc", "..", ""])
def test_a_channels_code_leads_nowhere_else(tmp_path: Path, code: str) -> None:
    put(tmp_path, "outside/en/order_confirmed.txt", "Subject: Outside\n")
    (tmp_path / "inside").mkdir()
    words = written(tmp_path / "inside", sender=Sender(code, "Shop", "UTC"))
    assert words.subject == "Your order 100/7 is confirmed"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Subject: x\n\n{{ order.numer }}", "order_confirmed.txt, line 3: 'dict object' has no attribute 'numer'"),
        ("Subject: x\n{% if %}", "order_confirmed.txt, line 2: Expected an expression, got 'end of statement block'"),
        ("Subject: x\n{% include 'none.txt' %}", "order_confirmed.txt: there is no none.txt"),
        ("Hello", "order_confirmed.txt, line 1: it must begin with “Subject: ” and the subject"),
        ("Subject:  \nHello", "order_confirmed.txt, line 1: it must begin with “Subject: ” and the subject"),
        ("Subject: x\n{{ order.deliverBy.latest | day }}", "line 2: 'None' has no attribute 'latest'"),
        ("Subject: x\n{{ order | money }}", "order_confirmed.txt, line 2: KeyError: 'amount'"),
        ("Subject: x\n{{ link.__self__.folders }}", "order_confirmed.txt, line 2: access to attribute '__self__'"),
        ("Subject: x\n{{ ''.__class__.mro() }}", "order_confirmed.txt, line 2: access to attribute '__class__'"),
        ("Subject: x\n{{ order.lines.append(1) }}", "order_confirmed.txt, line 2: "),
        ("Subject: x\n{{ range(1000000) | list }}", "order_confirmed.txt, line 2: OverflowError: Range too big"),
    ],
)
def test_a_broken_template_says_what_is_wrong_and_where(tmp_path: Path, text: str, error: str) -> None:
    put(tmp_path, "en/order_confirmed.txt", text)
    with pytest.raises(Unwordable) as caught:
        written(tmp_path)
    assert error in str(caught.value)


def test_a_subject_is_one_line_whatever_it_is_made_of(tmp_path: Path) -> None:
    put(tmp_path, "en/order_confirmed.txt", "Subject: {{ order.lines[0].name }}\nHello")
    lines = [{**LINE, "name": "Cup\r\nBcc: all@example.com"}]
    data = {**DATA, "order": {**DATA["order"], "lines": lines}}
    words = Wording((tmp_path, TEMPLATES)).write(CONFIRMED, EMAIL, WEB, None, data)
    assert "\n" not in words.subject
    assert "\r" not in words.subject


def test_a_kind_may_ask_the_graph_for_more(tmp_path: Path) -> None:
    wording = Wording((tmp_path, TEMPLATES))
    ours = wording.document(CONFIRMED, WEB)
    put(tmp_path, "web/order_confirmed.graphql", "{ viewer { kind } }")
    assert "query OrderConfirmed" in ours
    assert wording.document(CONFIRMED, WEB) == "{ viewer { kind } }"
    assert wording.document(CONFIRMED, Sender("phone", "Phone", "UTC")) == ours
