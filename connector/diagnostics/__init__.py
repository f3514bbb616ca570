"""What is wrong with a catalog, whoever found it, and the error catalogue that explains it."""
