"""Reads payouts and transactions from Meta, weighs orders' money, and lists all three.

Its files: `pulling` (the daily reading), `listing`.
"""

from connector.payouts.actions.listing import export, list_balances, list_payouts, list_transactions
from connector.payouts.actions.pulling import plan_pull, pull_payouts

__all__ = ["export", "list_balances", "list_payouts", "list_transactions", "plan_pull", "pull_payouts"]
