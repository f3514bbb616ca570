"""The kind of a signal, in the words that people are shown."""

from connector.webhooks.model import Kept, Signal


def shown_kind(signal: Signal) -> str:
    """Name what a signal is: our own word for what is read, Meta's for what is only kept."""
    return signal.content.kind if isinstance(signal.content, Kept) else type(signal.content).__name__
