"""Which of Meta's rate limits a Page's messages count against."""


def bucket(page_id: str) -> str:
    """Name the rate limit that a Page's messages count against."""
    return f"messenger:{page_id}"
