"""What is true of conversions: how people are hashed, what is reported, and how far a report came."""
