"""How the database came to its present shape: numbered steps, applied by `app.migrate`."""
