"""What Meta pays the merchant for orders: payouts and transactions, read daily and compared with what the orders should bring."""
