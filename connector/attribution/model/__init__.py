"""What is true of attributed orders and of carts that people send."""
