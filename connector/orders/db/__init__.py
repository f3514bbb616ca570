"""Where orders, their lines and the accounts they come from are kept."""

from connector.orders.db import tables as tables
