"""The steps. Their numbers are their order."""
