"""Mistakes that a user can mend, told in one line."""


class UserError(Exception):
    """A mistake of the user: wrong parameter, missing file, unknown name.

    The message is one line that says what was wrong, where, and what to do. `dust_node.run` prints
    it and exits with code 2, without a stack trace.
    """
