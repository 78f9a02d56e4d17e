"""Random documents: drawn from the schema, varied, asked of both executors, and made small where they differ."""
