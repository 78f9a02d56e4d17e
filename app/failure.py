"""What may go wrong in front of a person at the terminal, foreseen and in words."""


class Failure(Exception):
    """Nothing to debug: the message tells what happened and what to do. Ends a command with exit code 1."""
