"""What a person must hear in one sentence: what is wrong with their machine or settings, and what to do."""


class StackError(Exception):
    """The stack cannot start or go on; the message is the sentence to print."""
