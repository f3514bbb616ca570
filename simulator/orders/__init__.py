"""Meta's commerce account and its orders: from the buyer's click to the payout, with everything an app may do to them."""
