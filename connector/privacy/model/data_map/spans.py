"""How long things stay that many tables say alike."""

from datetime import timedelta

from connector.privacy.model.classes import Held

DAY = timedelta(days=1)
UNLINKED = Held("as long as the store's catalog is kept")
LINKED = Held("as long as the connection")
OPEN = Held("until it is over")
SETTING = Held("until it is changed")
