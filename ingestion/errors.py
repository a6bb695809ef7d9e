"""The one kind of error that a user is meant to read."""


class UserError(Exception):
    """Something that the user can put right, said in one sentence: what is wrong, where, and what to do.

    The command line and Dagster show its text and no traceback. The text never holds personal data.
    """
