"""Forwards what people write to a Page by e-mail, for merchants who do not watch a dashboard; off until somebody switches it on."""
