"""What the demo shop sells, where its stock lies, and through which channels it sells. All of it is invented."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from domain.money import Money

SET_UP_NAME = "Web shop (the demo is being loaded)"
"""What the first channel is called until everything is there: by it a load that was broken off is known."""

CHANNELS: tuple[dict[str, Any], ...] = (
    {"code": "web", "name": "Web shop", "currency": "BRL", "timeZone": "America/Sao_Paulo", "locale": "pt-BR"},
    {
        "code": "call-center",
        "name": "Call centre",
        "currency": "BRL",
        "timeZone": "America/Sao_Paulo",
        "locale": "pt-BR",
    },
    {"code": "web-jp", "name": "Web shop Japan", "currency": "JPY", "timeZone": "Asia/Tokyo", "returnWindowDays": 14},
)

CURRENCIES = {channel["code"]: channel["currency"] for channel in CHANNELS}

BRAZIL = ("web", "call-center")
JAPAN = ("web-jp",)


@dataclass(frozen=True, slots=True)
class Place:
    """A location of the network and how much it keeps of what it keeps."""

    code: str
    name: str
    kind: str
    channels: tuple[str, ...]
    address: dict[str, str]
    at: tuple[float, float]
    units: tuple[int, int]
    """Fewest and most units of a variant."""
    share: float = 1.0
    """Of all variants, how many it keeps at all."""

    def as_input(self) -> dict[str, Any]:
        """What `locationSet` takes."""
        latitude, longitude = self.at
        known = {"code": self.code, "name": self.name, "kind": self.kind, "channels": list(self.channels)}
        return {**known, "address": self.address, "latitude": latitude, "longitude": longitude}


def _address(line1: str, city: str, region: str, postal_code: str, country: str = "BR") -> dict[str, str]:
    return {"line1": line1, "city": city, "region": region, "postalCode": postal_code, "country": country}


PLACES: tuple[Place, ...] = (
    Place(
        "GRU1", "Guarulhos 1", "WAREHOUSE", BRAZIL, _address("Rua do Armazém 100", "Guarulhos", "SP", "07000-100"),
        (-23.4545, -46.5333), (180, 420),
    ),
    Place(
        "REC1", "Recife 1", "WAREHOUSE", BRAZIL, _address("Avenida do Cais 55", "Recife", "PE", "50000-055"),
        (-8.0539, -34.8811), (90, 220), 0.8,
    ),
    Place(
        "OSA1", "Osaka 1", "WAREHOUSE", JAPAN, _address("Nanko 3-1-8", "Osaka", "Osaka", "559-0031", "JP"),
        (34.6380, 135.4120), (120, 300),
    ),
    Place(
        "IPANEMA", "Ipanema shop", "STORE", BRAZIL, _address("Rua da Praia 12", "Rio de Janeiro", "RJ", "22400-012"),
        (-22.9838, -43.2045), (60, 110), 0.6,
    ),
    Place(
        "PAULISTA", "Paulista shop", "STORE", BRAZIL, _address("Avenida do Planalto 900", "São Paulo", "SP", "01300-900"),
        (-23.5614, -46.6559), (60, 110), 0.5,
    ),
    Place(
        "SHINJUKU", "Shinjuku shop", "STORE", JAPAN, _address("Nishi-dori 2-4-1", "Tokyo", "Tokyo", "160-0023", "JP"),
        (35.6938, 139.7034), (60, 110), 0.6,
    ),
    Place(
        "BLUMENAU", "Tecelagem do Vale", "SUPPLIER", BRAZIL,
        _address("Rua dos Teares 7", "Blumenau", "SC", "89000-007"), (-26.9194, -49.0661), (400, 900), 0.3,
    ),
    Place(
        "POA-3PL", "Logística do Sul", "THIRD_PARTY", BRAZIL,
        _address("Estrada do Porto 41", "Porto Alegre", "RS", "90000-041"), (-30.0346, -51.2177), (80, 160), 0.7,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Product:
    """A product and its variants, which differ in nothing that can be weighed."""

    code: str
    name: str
    category: str
    grams: int
    mm: tuple[int, int, int]
    brl_minor: int
    jpy: int
    variants: tuple[str, ...]


PRODUCTS: tuple[Product, ...] = (
    Product("HAMMOCK", "Hammock", "Outdoors", 1450, (420, 260, 120), 18990, 5200, ("Sand", "Ocean", "Forest")),
    Product("LANTERN", "Camp lantern", "Outdoors", 620, (240, 120, 120), 14990, 4100, ("Amber", "Slate")),
    Product("MUG", "Enamel mug", "Outdoors", 180, (110, 90, 90), 3990, 1200, ("White", "Blue", "Red")),
    Product("BLANKET", "Picnic blanket", "Outdoors", 980, (380, 200, 120), 11990, 3400, ("Check", "Plain")),
    Product("BOTTLE", "Trail bottle", "Outdoors", 340, (280, 80, 80), 8990, 2600, ("500 ml", "750 ml", "1 l")),
    Product("PONCHO", "Rain poncho", "Outdoors", 310, (220, 160, 40), 7990, 2300, ("S/M", "L/XL")),
    Product("PACK", "Day pack", "Outdoors", 760, (460, 300, 90), 24990, 7200, ("18 l", "24 l")),
    Product("HEADLAMP", "Headlamp", "Outdoors", 95, (90, 70, 60), 9990, 2800, ("Standard",)),
    Product("STOOL", "Folding stool", "Outdoors", 2100, (450, 360, 80), 15990, 4500, ("Oak", "Black")),
    Product("STOVE", "Camp stove", "Outdoors", 1280, (300, 240, 120), 21990, 6300, ("Single burner",)),
    Product("DRIPPER", "Coffee dripper", "Kitchen", 430, (140, 130, 120), 6990, 2000, ("Clay", "White")),
    Product("BEANS", "Coffee beans", "Kitchen", 520, (220, 120, 70), 4490, 1400, ("250 g", "500 g", "1 kg")),
    Product("GRINDER", "Hand grinder", "Kitchen", 690, (210, 90, 90), 27990, 7900, ("Steel", "Walnut")),
    Product("KETTLE", "Pour kettle", "Kitchen", 880, (290, 210, 160), 22990, 6600, ("0.6 l", "0.9 l")),
    Product("TEAPOT", "Teapot", "Kitchen", 940, (230, 180, 150), 16990, 4800, ("Celadon", "Charcoal")),
    Product("TOWEL", "Linen towel", "Home", 360, (300, 220, 60), 7490, 2100, ("Small", "Large", "Set of two")),
    Product("ROBE", "Bath robe", "Home", 1150, (380, 300, 110), 23990, 6900, ("S", "M", "L")),
    Product("SLIPPERS", "Slippers", "Home", 280, (300, 200, 100), 8490, 2400, ("36-37", "38-39", "40-41", "42-43")),
    Product("THROW", "Wool throw", "Home", 1320, (400, 300, 120), 28990, 8200, ("Grey", "Rust")),
    Product("CUSHION", "Cushion", "Home", 540, (420, 420, 140), 9490, 2700, ("Round", "Square")),
    Product("LAMP", "Desk lamp", "Desk", 1760, (480, 240, 180), 25990, 7400, ("Brass", "Black")),
    Product("NOTEBOOK", "Notebook", "Desk", 240, (210, 148, 18), 3490, 1000, ("Lined", "Dotted", "Plain")),
    Product("PENCILS", "Pencil case", "Desk", 110, (210, 80, 50), 4990, 1500, ("Canvas", "Felt")),
    Product("CLOCK", "Wall clock", "Desk", 720, (310, 310, 60), 17990, 5100, ("Birch", "Walnut")),
    Product(
        "APRON", "Apron", "Kitchen", 330, (280, 220, 40), 8990, 2600, ("Natural", "Indigo", "Olive", "Clay", "Rose")
    ),
)


@dataclass(frozen=True, slots=True)
class Variant:
    """What is bought."""

    sku: str
    product: Product
    name: str

    def price_minor(self, currency: str) -> int:
        """Its list price."""
        return self.product.jpy if currency == "JPY" else self.product.brl_minor

    def as_input(self) -> dict[str, Any]:
        """What `variantsSet` takes."""
        product, (length, width, height) = self.product, self.product.mm
        return {
            "sku": self.sku, "name": f"{product.name}, {self.name}", "productCode": product.code,
            "productName": product.name, "category": product.category, "weightGrams": product.grams,
            "lengthMm": length, "widthMm": width, "heightMm": height,
            "prices": [
                {"channel": code, "price": money(self.price_minor(currency), currency)}
                for code, currency in CURRENCIES.items()
            ],
        }  # fmt: skip


def money(minor: int, currency: str) -> dict[str, str]:
    """What a `MoneyInput` takes."""
    return {"amount": Money(minor, currency).amount, "currency": currency}


def _variants() -> Iterator[Variant]:
    every = [(product, name) for product in PRODUCTS for name in product.variants]
    for number, (product, name) in enumerate(every, start=1):
        yield Variant(f"SKU-{number}", product, name)


VARIANTS = tuple(_variants())

RARE = VARIANTS[-1]
"""Three units in the whole network, and no story buys it: whoever wants four learns what a refusal looks like."""

EVERYWHERE = VARIANTS[:2]
"""Kept by every location, so that a first order is served wherever it goes."""


def opening_stock(place: Place) -> list[dict[str, Any]]:
    """What a first count finds at a location: the same in every demo."""
    draw = Random(place.code)  # noqa: S311 - a demo, not a secret
    lines = []
    for variant in VARIANTS:
        units, kept = draw.randint(*place.units), draw.random() < place.share
        if variant is RARE:
            units, kept = 3, place.code == "GRU1"
        if kept or variant in EVERYWHERE:
            lines.append({"sku": variant.sku, "setOnHand": units})
    return lines
