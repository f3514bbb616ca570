"""The store of the orders' tests, with an order that StormCom has; buyers, Meta and the merchant act on it at Meta."""

from tests.integration.orders.conftest import linked as linked
from tests.integration.orders.conftest import mall as mall
from tests.integration.orders.conftest import settings as settings
from tests.integration.orders.conftest import world as world
