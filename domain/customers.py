"""Customers: the words about who buys."""

from domain.words import Word


class CustomerKind(Word):
    """How well we know a customer."""

    REGISTERED = "REGISTERED", "Signs in, and sees all of their orders."
    GUEST = "GUEST", "Known by e-mail from orders placed without signing in."
    MERGED = "MERGED", "Was a duplicate; its orders moved to the surviving customer."
    ERASED = "ERASED", "Personal data was erased on request; the figures stay."
