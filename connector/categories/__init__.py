"""StormCom's category tree: what it makes of products, and the product sets at Meta made of it."""
