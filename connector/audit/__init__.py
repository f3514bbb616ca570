"""Shows and checks the audit, which everything writes through `connector.db.audit`."""
