"""Where conversations and their messages are kept. Each query takes the open transaction."""

from connector.messaging.db.conversations import list_conversations as list_conversations
from connector.messaging.db.conversations import lock as lock
from connector.messaging.db.conversations import meet as meet
from connector.messaging.db.conversations import missing as missing
from connector.messaging.db.conversations import name_person as name_person
from connector.messaging.db.conversations import raise_watermarks as raise_watermarks
from connector.messaging.db.conversations import refresh as refresh
from connector.messaging.db.conversations import refresh_all as refresh_all
from connector.messaging.db.conversations import require as require
from connector.messaging.db.messages import advance as advance
from connector.messaging.db.messages import by_mid as by_mid
from connector.messaging.db.messages import by_request as by_request
from connector.messaging.db.messages import change as change
from connector.messaging.db.messages import forget as forget
from connector.messaging.db.messages import get as get
from connector.messaging.db.messages import keep as keep
from connector.messaging.db.messages import keep_all as keep_all
from connector.messaging.db.messages import known_mids as known_mids
from connector.messaging.db.messages import list_messages as list_messages
from connector.messaging.db.messages import next_open as next_open
from connector.messaging.db.messages import unproven as unproven
from connector.messaging.db.tables import CHANNEL as CHANNEL
from connector.messaging.db.tables import conversations as conversations
from connector.messaging.db.tables import messages as messages
