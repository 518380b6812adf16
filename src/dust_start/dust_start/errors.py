"""Mistakes that a user can mend."""


class StartError(ValueError):
    """The graph cannot be started as asked; the message is one line that names the remedy."""
