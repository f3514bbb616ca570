"""Readers of product files: Shopify exports, Meta and Google feeds, JSON lines, any CSV by a column mapping.

Each is a generator with bounded memory. What a file cannot say comes from `Terms`; what cannot be read comes out as a
`Problem` that names place, field and cause. Judging the products is the connector's business, not the readers'.
"""
