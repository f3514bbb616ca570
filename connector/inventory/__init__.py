"""Stock and price: the fast lane, what is offered of them, and the holds that keep pieces aside."""
