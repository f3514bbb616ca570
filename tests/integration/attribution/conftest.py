"""The store of the checkout tests: it has products and needs nothing of Meta."""

from tests.integration.checkout.conftest import shelved as shelved
from tests.integration.webhooks.conftest import deliver as deliver
