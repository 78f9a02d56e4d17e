"""What shipping costs in the demo: the shop its carriers' rates, its buyers a price for each service."""

from typing import Any

from app.demo.shop import Shop

RATES: tuple[dict[str, Any], ...] = (
    {
        "carrier": "tucano",
        "currency": "BRL",
        "rates": [
            {"service": "ECONOMY", "base": "14.00", "perKg": "2.00", "perKgPer1000Km": "6.00", "firstDays": 3, "kmPerDay": 500},
            {
                "service": "EXPRESS", "base": "26.00", "perKg": "4.00", "perKgPer1000Km": "9.00", "firstDays": 1,
                "kmPerDay": 1200, "maxWeightGrams": 30000, "takesHazmat": False,
            },
        ],
    },
    {
        "carrier": "tsubame",
        "currency": "JPY",
        "rates": [
            {"service": "STANDARD", "base": "800", "perKg": "120", "perKgPer1000Km": "200", "firstDays": 2, "kmPerDay": 600},
            {"service": "EXPRESS", "base": "1200", "perKg": "160", "perKgPer1000Km": "260", "kmPerDay": 2000},
        ],
    },
)  # fmt: skip

PRICES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("web", "BRL", {"ECONOMY": "19.90", "EXPRESS": "34.90"}),
    ("web-jp", "JPY", {"STANDARD": "900", "EXPRESS": "1400"}),
)
"""By channel. Fetching costs nothing."""


async def set_rates(shop: Shop) -> None:
    """What new orders are routed and quoted by; the stories before went by distance alone."""
    for table in RATES:
        await _do(shop, "carrierRatesSet", table["carrier"], table)
    for channel, currency, prices in PRICES:
        told = [
            {"service": service, "price": {"amount": amount, "currency": currency}}
            for service, amount in prices.items()
        ]
        await _do(shop, "shippingPricesSet", channel, {"channel": channel, "prices": told})


async def _do(shop: Shop, mutation: str, key: str, given: dict[str, Any]) -> None:
    await shop.do(shop.owner, mutation, {"idempotencyKey": f"demo:{mutation}:{key}", **given})
