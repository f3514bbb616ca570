"""Deliveries from Meta, kept raw; what they say goes out to the features, signal by signal."""
