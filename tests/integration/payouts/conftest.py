"""The store of the orders' tests: its orders are shipped and paid at Meta."""

from tests.integration.orders.conftest import linked as linked
from tests.integration.orders.conftest import mall as mall
from tests.integration.orders.conftest import settings as settings
from tests.integration.orders.conftest import world as world
