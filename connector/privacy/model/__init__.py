"""What is true of personal data: the map of every column (`data_map`), and what a deletion is (`deletions`)."""
