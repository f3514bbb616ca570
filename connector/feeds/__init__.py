"""Feeds: products, reviews and navigation as files that Meta fetches from us; optional, off until switched on."""
