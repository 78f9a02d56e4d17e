"""Routing: from where an order ships, and why from there. Pure, so that a decision can be replayed and asked "what if"."""
