"""Meta Business Extension: a store is set up and connected in one go, in Meta's own dialog, and kept in step with it."""
