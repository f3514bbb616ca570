"""Where payouts, transactions and the balances of orders are kept."""

from connector.payouts.db import balances, tables, transactions

__all__ = ["balances", "tables", "transactions"]
