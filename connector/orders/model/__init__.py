"""What an order is and how it moves: states, values, sums, addresses. Pure."""
