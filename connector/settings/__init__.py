"""The environment, read once at the start of a process; every problem is reported in one message.

`variables` is the table of what there is, `forms` reads single values, `reader` collects problems, `doors` and `mail` read what belongs together, `checked` is the result.
"""

from connector.settings.checked import Paces, Settings, read_database_url
from connector.settings.doors import Doors, Limits, Tls
from connector.settings.mail import MailServer
from connector.settings.reader import AppProfile, Ring, SettingsError
from connector.settings.variables import VARIABLES, Variable, write_example

__all__ = [
    "VARIABLES",
    "AppProfile",
    "Doors",
    "Limits",
    "MailServer",
    "Paces",
    "Ring",
    "Settings",
    "SettingsError",
    "Tls",
    "Variable",
    "read_database_url",
    "write_example",
]
