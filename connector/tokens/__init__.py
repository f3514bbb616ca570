"""Keeps a connection's tokens alive: what Meta says of them, warnings, renewal, rotation, revocation."""
