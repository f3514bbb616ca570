"""Meta, shared half: how one Graph request is said, sent once and understood."""
