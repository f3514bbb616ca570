"""What every answer says of itself, and pages that people see: plain, without scripts, never kept or indexed, every word escaped."""

from html import escape

from aiohttp import web

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "connector",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer that says nothing else."""

_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
PAGE_HEADERS = HEADERS | {"Content-Security-Policy": _PAGE_POLICY, "X-Robots-Tag": "noindex, nofollow"}
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="robots" content="noindex"><title>{title}</title>
<body style="font: 1rem/1.5 sans-serif; max-width: 36rem; margin: 4rem auto; padding: 0 1rem"><h1>{title}</h1>{words}
"""


def page(title: str, *sentences: str, status: int = 200) -> web.Response:
    """Show a title and some sentences."""
    words = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    text = _PAGE.format(title=escape(title), words=words)
    return web.Response(status=status, text=text, content_type="text/html", headers=PAGE_HEADERS)
