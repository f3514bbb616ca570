"""Stock and price, the fast lane."""
