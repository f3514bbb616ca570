"""A text that is never printed, and does not leave its process by itself; and tokens hidden in texts of others."""

import re

# Unverified: Meta's tokens begin with EAA (or GG and IG for its other products); `id|secret` is an app token.
_TOKENS = re.compile(
    r"\b(?:EAA|IGQ|GGQ)[A-Za-z0-9_-]{8,}|\b\d{5,}\|[A-Za-z0-9_-]{16,}|(?<=access_token=)[^&\s]+|(?<=Bearer )\S+"
)


class Secret:
    """A text that is never printed: `reveal` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Hand out the text, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a secret does not travel")


def hide_tokens(text: str) -> str:
    """Take out what looks like a token: Meta repeats in its errors what it was sent."""
    return _TOKENS.sub("***", text)
