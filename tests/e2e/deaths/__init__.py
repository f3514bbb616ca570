"""Workers that die at a chosen network send, and the order they were at work on: where it stands, and what became of it."""
