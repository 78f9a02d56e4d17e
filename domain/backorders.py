"""Backorders: units promised before there is stock for them. They wait on the order line until supply arrives."""

from domain.words import Word


class BackorderPolicy(Word):
    """What a variant may be sold beyond what is in stock."""

    NONE = "NONE", "Nothing: only what is in stock is sold."
    BACKORDER = "BACKORDER", "What is short waits for supply, up to the limit."
    PREORDER = "PREORDER", "Sold ahead of its release, up to the limit; from then on, only what is in stock is sold."
