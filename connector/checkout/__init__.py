"""Checkout links: what buyers bring from Facebook and Instagram, read against the catalog; and the writing of such links."""
