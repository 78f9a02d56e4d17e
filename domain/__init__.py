"""The rules of order management: pure, typed, and ignorant of HTTP, GraphQL and SQL (except in `store/`)."""
