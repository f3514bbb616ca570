"""Conversations of a Page with people: what came in, what goes out, and until when it may."""
