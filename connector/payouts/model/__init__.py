"""Payouts, transactions, balances of orders, and their CSV. Pure."""
