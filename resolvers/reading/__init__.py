"""Reads: GraphQL documents compiled to one SQL statement, with the ordinary executor as fallback and referee."""
