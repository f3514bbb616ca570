"""What is forwarded to whom (`forwarding`), how a mail looks (`letters`), and how an answer finds its conversation (`answers`). Pure."""

from connector.forwarding.model.forwarding import ALERT_AFTER as ALERT_AFTER
from connector.forwarding.model.forwarding import CHANNELS as CHANNELS
from connector.forwarding.model.forwarding import DIGEST_PERIOD as DIGEST_PERIOD
from connector.forwarding.model.forwarding import FORWARDED_FOR as FORWARDED_FOR
from connector.forwarding.model.forwarding import LONGEST_DIGEST as LONGEST_DIGEST
from connector.forwarding.model.forwarding import MOST_ADDRESSES as MOST_ADDRESSES
from connector.forwarding.model.forwarding import MOST_HOURLY as MOST_HOURLY
from connector.forwarding.model.forwarding import MOST_MESSAGES as MOST_MESSAGES
from connector.forwarding.model.forwarding import SHORTEST_DIGEST as SHORTEST_DIGEST
from connector.forwarding.model.forwarding import SUSPEND_AFTER as SUSPEND_AFTER
from connector.forwarding.model.forwarding import TEST_EVERY as TEST_EVERY
from connector.forwarding.model.forwarding import Forwarding as Forwarding
from connector.forwarding.model.forwarding import Mail as Mail
from connector.forwarding.model.forwarding import MailState as MailState
from connector.forwarding.model.forwarding import State as State
from connector.forwarding.model.forwarding import Talk as Talk
from connector.forwarding.model.forwarding import Wish as Wish
from connector.forwarding.model.forwarding import pause as pause
