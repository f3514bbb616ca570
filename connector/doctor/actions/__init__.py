"""Looks at what a connection needs: every hour by itself, and whenever somebody asks.

Its files: `asking` puts one question to Meta, `journeys` sends a delivery to ourselves, `looking` judges, remembers and tells.
"""

from connector.doctor.actions.looking import examine, list_checks, run

__all__ = ["examine", "list_checks", "run"]
