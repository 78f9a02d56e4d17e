"""`make chaos`: everything is killed at random while orders flow, and nobody misses an event."""
