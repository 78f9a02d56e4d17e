"""Channels, products and variants: where we sell, and what."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain.backorders import BackorderPolicy
from domain.orders import UnroutedPolicy
from domain.store import tables as t
from domain.store import visibility
from domain.viewer import Scope
from resolvers.reading.mapping import column, inline, many, one
from schema.common import CurrencyCode, Money, Node, entity, id_of, money, words
from schema.stock import Inventory, inventory_of

words(UnroutedPolicy)
words(BackorderPolicy)


@strawberry.type(description="A place where we sell, such as the web shop or the call centre, with its currency.")
@entity(t.channels, visibility.channels)
class Channel(Node):
    """A sales channel."""

    id: strawberry.ID = id_of("Channel")
    code: str = column("code", "The short name that programs use; unique.")
    name: str = column("name", "The name that people use.")
    currency: CurrencyCode = column("currency", "The currency of its prices and orders, as ISO 4217.")
    time_zone: str = column("time_zone", "The IANA time zone of its days, such as America/Sao_Paulo.")
    locale: str | None = column(
        "locale", "The language to write to its customers in, such as pt-BR, if they say nothing."
    )
    return_window_days: int = column("return_window_days", "How many days after delivery a unit may come back.")
    shipping_prices: list[Annotated["ShippingPrice", strawberry.lazy("schema.options")]] = many(
        lambda channel, price: price.c.channel_id == channel.c.id,
        lambda price: [price.c.service],
        "What the buyer pays for each service; one that is not named is free; at most 100.",
        limit=100,
    )
    unrouted_policy: UnroutedPolicy | None = column(
        "unrouted_policy",
        "What becomes of units that no location can ship for so long; scope routing:read.",
        needs=Scope.ROUTING_READ,
    )
    unrouted_after_hours: int | None = column(
        "unrouted_after_hours", "How long they wait until then; scope routing:read.", needs=Scope.ROUTING_READ
    )
    wave_minutes: int | None = column(
        "wave_minutes",
        "How often orders that nobody has accepted are routed anew, 0 is never; scope routing:read.",
        needs=Scope.ROUTING_READ,
    )
    wave_saving_percent: int | None = column(
        "wave_saving_percent",
        "How much cheaper a plan must be for work to be given to others; scope routing:read.",
        needs=Scope.ROUTING_READ,
    )


@strawberry.type(description="What is sold, whatever its size or color.")
@entity(t.products, visibility.anyone)
class Product(Node):
    """A product."""

    id: strawberry.ID = id_of("Product")
    code: str = column("code", "The short name that programs use; unique.")
    name: str = column("name", "The name that people use.")
    category: str | None = column("category", "The category it belongs to.")
    variants: list["Variant"] = many(
        lambda product, variant: variant.c.product_id == product.c.id,
        lambda variant: [variant.c.sku],
        "What it can be bought as, by SKU; at most 100.",
        limit=100,
    )


@strawberry.type(description="What one unit of a product costs in a channel.")
@entity(t.variant_prices, visibility.anyone)
class VariantPrice:
    """A list price."""

    channel: Channel = one(lambda price, channel: channel.c.id == price.c.channel_id, "Where the price holds.")
    price: Money = money("amount_minor", "The price of one unit.")


@strawberry.type(description="What one of a kit consists of.")
@entity(t.kit_components, visibility.anyone)
class KitComponent:
    """A component of a kit."""

    variant: Annotated["Variant", strawberry.lazy("schema.catalog")] = one(
        lambda part, variant: variant.c.id == part.c.component_variant_id, "The component."
    )
    quantity: int = column("quantity", "Units of it in one kit.")


@strawberry.type(description="One thing that can be bought, stocked and shipped.")
@entity(t.variants, visibility.anyone)
class Variant(Node):
    """A variant: the unit of stock and sale."""

    id: strawberry.ID = id_of("Variant")
    sku: str = column("sku", "The stock keeping unit; unique.")
    name: str = column("name", "The name that people use.")
    weight_grams: int | None = column("weight_grams", "Weight of one unit in grams.")
    length_mm: int | None = column("length_mm", "Length of one unit in millimeters.")
    width_mm: int | None = column("width_mm", "Width of one unit in millimeters.")
    height_mm: int | None = column("height_mm", "Height of one unit in millimeters.")
    backorder_policy: BackorderPolicy = column("backorder_policy", "What may be sold of it beyond what is in stock.")
    backorder_limit: int | None = column(
        "backorder_limit", "Units that may wait for supply at once, over all orders; null: as many as are wanted."
    )
    releases_at: datetime | None = column(
        "releases_at", "When it is released: of a PREORDER, nothing ships before; null where nobody said."
    )
    hazmat: bool = column("hazmat", "Whether it is dangerous goods, which not every carrier takes.")
    created_at: datetime = column("created_at", "When it was entered.")
    product: Product = one(lambda variant, product: product.c.id == variant.c.product_id, "What it is a variant of.")
    prices: list[VariantPrice] = many(
        lambda variant, price: price.c.variant_id == variant.c.id,
        lambda price: [price.c.channel_id, price.c.currency],
        "List prices by channel and currency; at most 100.",
        limit=100,
    )
    components: list[KitComponent] = many(
        lambda variant, part: part.c.kit_variant_id == variant.c.id,
        lambda part: [part.c.component_variant_id],
        "What it consists of, if it is a kit: it is sold as long as there is enough of each; at most 20.",
        limit=20,
    )
    inventory: Inventory | None = inline(
        inventory_of, "Its stock everywhere; null without the scope stock:read.", needs=Scope.STOCK_READ
    )
