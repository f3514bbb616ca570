"""Cancellations, refunds, payments and returns of orders. Pure."""
