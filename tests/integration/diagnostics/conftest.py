"""A connected store with an empty catalog."""

from tests.integration.catalog.conftest import shop

__all__ = ["shop"]
