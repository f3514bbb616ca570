"""The ledger of deletions (`ledger`), the steps that take a person out of every table (`erasing`), and what age removes (`ageing`), and whose logins are whose (`logins`)."""

from connector.privacy.db import ageing, erasing, ledger, logins

__all__ = ["ageing", "erasing", "ledger", "logins"]
