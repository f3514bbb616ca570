"""Keeps every sealed token on the key that seals now, and tells when an older key is no longer needed."""
