"""What the connector does about deliveries: keep them, then work off what they say."""

from connector.webhooks.actions.keeping import KEEP_LIMIT as KEEP_LIMIT
from connector.webhooks.actions.keeping import Keep as Keep
from connector.webhooks.actions.keeping import keeping as keeping
from connector.webhooks.actions.keeping import sign_of as sign_of
from connector.webhooks.actions.processing import process as process
from connector.webhooks.actions.replaying import dismiss_signals as dismiss_signals
from connector.webhooks.actions.replaying import replay_deliveries as replay_deliveries
from connector.webhooks.actions.replaying import replay_signals as replay_signals
from connector.webhooks.actions.showing import Raw as Raw
from connector.webhooks.actions.showing import Shown as Shown
from connector.webhooks.actions.showing import get_delivery as get_delivery
from connector.webhooks.actions.showing import get_signal as get_signal
from connector.webhooks.actions.showing import list_deliveries as list_deliveries
from connector.webhooks.actions.showing import list_signals as list_signals
from connector.webhooks.actions.showing import list_unknown_pages as list_unknown_pages
from connector.webhooks.actions.showing import missing_delivery as missing_delivery
from connector.webhooks.actions.showing import missing_signal as missing_signal
from connector.webhooks.actions.sweeping import sweep as sweep
