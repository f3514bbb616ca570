"""What a stock line changes about an item (`stock`), what a hold keeps aside (`holds`), what callers see (`snapshot`)."""
