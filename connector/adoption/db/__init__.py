"""What a scan found (`scans`), and what becomes of it (`takeovers`)."""

from connector.adoption.db import scans, takeovers

__all__ = ["scans", "takeovers"]
