"""Who buys in the demo: eighty invented people in Brazil and Japan, at addresses that do not exist."""

from dataclasses import dataclass
from random import Random
from typing import Any

BRAZILIANS, JAPANESE = 60, 20


@dataclass(frozen=True, slots=True)
class City:
    """A city, roughly where it is."""

    name: str
    region: str
    postal: str
    """The postal code's beginning."""
    at: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Person:
    """A customer as an order knows them."""

    first_name: str
    last_name: str
    phone: str
    country: str
    address: dict[str, Any]

    @property
    def email(self) -> str:
        """An address in a domain that is kept free for examples."""
        return f"{self.first_name}.{self.last_name}@example.com".lower()

    def as_customer(self) -> dict[str, str]:
        """What an order's `customer` takes."""
        return {"email": self.email, "firstName": self.first_name, "lastName": self.last_name, "phone": self.phone}


IN_BRAZIL = (
    City("São Paulo", "SP", "010", (-23.5505, -46.6333)),
    City("Rio de Janeiro", "RJ", "200", (-22.9068, -43.1729)),
    City("Campinas", "SP", "130", (-22.9056, -47.0608)),
    City("Belo Horizonte", "MG", "301", (-19.9167, -43.9345)),
    City("Curitiba", "PR", "800", (-25.4284, -49.2733)),
    City("Porto Alegre", "RS", "900", (-30.0346, -51.2177)),
    City("Florianópolis", "SC", "880", (-27.5954, -48.5480)),
    City("Salvador", "BA", "400", (-12.9777, -38.5016)),
    City("Recife", "PE", "500", (-8.0476, -34.8770)),
    City("Fortaleza", "CE", "600", (-3.7319, -38.5267)),
    City("Brasília", "DF", "700", (-15.7939, -47.8828)),
    City("Manaus", "AM", "690", (-3.1190, -60.0217)),
)
IN_JAPAN = (
    City("Tokyo", "Tokyo", "100", (35.6762, 139.6503)),
    City("Yokohama", "Kanagawa", "220", (35.4437, 139.6380)),
    City("Nagoya", "Aichi", "450", (35.1815, 136.9066)),
    City("Osaka", "Osaka", "530", (34.6937, 135.5023)),
    City("Kyoto", "Kyoto", "600", (35.0116, 135.7681)),
    City("Fukuoka", "Fukuoka", "810", (33.5904, 130.4017)),
    City("Sapporo", "Hokkaido", "060", (43.0618, 141.3545)),
)


def _words(text: str) -> list[str]:
    return text.split()


FIRST = {
    "BR": _words("Ana Beatriz Caio Davi Elisa Fabio Gabriela Heitor Iara Joana Kaique Larissa Mateus Nina Paula"),
    "JP": _words("Aoi Daichi Emi Haruto Kaito Mei Ren Sora Yui Yuki"),
}
LAST = {
    "BR": _words("Almeida Barros Campos Dias Esteves Farias Gomes Lima Moura Nunes Prado Ramos Souza Teixeira"),
    "JP": _words("Abe Fujita Hayashi Ito Kondo Mori Ono Sato Tanaka Ueda"),
}
STREETS = {
    "BR": ("Rua das Palmeiras", "Rua do Sol", "Avenida das Águas", "Travessa da Serra", "Rua dos Ipês"),
    "JP": ("Sakura-dori", "Hashimoto", "Midori-cho", "Kawabata", "Minami-machi"),
}
DIALING = {"BR": "+5511", "JP": "+8190"}


def people() -> tuple[Person, ...]:
    """Everybody, the same in every demo."""
    draw = Random("people")  # noqa: S311 - a demo, not a secret
    return (*_people(draw, "BR", IN_BRAZIL, BRAZILIANS), *_people(draw, "JP", IN_JAPAN, JAPANESE))


def _people(draw: Random, country: str, cities: tuple[City, ...], number: int) -> list[Person]:
    names = [(first, last) for first in FIRST[country] for last in LAST[country]]
    chosen = draw.sample(names, number)
    return [
        Person(first, last, f"{DIALING[country]}5550{index:04}", country, _address(draw, country, draw.choice(cities)))
        for index, (first, last) in enumerate(chosen)
    ]


def _address(draw: Random, country: str, city: City) -> dict[str, Any]:
    """Somewhere within some ten kilometers of the city's middle."""
    latitude, longitude = (round(degrees + draw.uniform(-0.08, 0.08), 4) for degrees in city.at)
    end = f"{draw.randint(0, 99):02}-{draw.randint(0, 999):03}" if country == "BR" else f"-{draw.randint(0, 9999):04}"
    return {
        "line1": f"{draw.choice(STREETS[country])} {draw.randint(1, 980)}", "city": city.name, "region": city.region,
        "postalCode": f"{city.postal}{end}", "country": country, "latitude": latitude, "longitude": longitude,
    }  # fmt: skip
