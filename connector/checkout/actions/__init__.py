"""Resolves checkout links, keeps pieces aside for who came by one, and writes and tries such links.

Its files: `resolving` (of links, with holds), `linking` (the checkout page, building, the self-test).
"""

from connector.checkout.actions.linking import build_link, read_url, set_url, try_links
from connector.checkout.actions.resolving import Answer, resolve, resolve_in

__all__ = ["Answer", "build_link", "read_url", "resolve", "resolve_in", "set_url", "try_links"]
