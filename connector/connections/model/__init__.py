"""What a connection is, and what it may do at any moment. Pure.

`connection` is the link, `logins` the way to one, `assets` what the merchant grants, `reach` how far it goes, `consent` what it takes away
from others, `capabilities` what may be done with it, `needs` what each needs, `subscriptions` what Meta shall tell us, `verdicts` what keeps it from working.
"""

from connector.connections.model.assets import Business as Business
from connector.connections.model.assets import Catalog as Catalog
from connector.connections.model.assets import InstagramAccount as InstagramAccount
from connector.connections.model.assets import Offer as Offer
from connector.connections.model.assets import Page as Page
from connector.connections.model.capabilities import CONCERNED as CONCERNED
from connector.connections.model.capabilities import EXPLANATIONS as EXPLANATIONS
from connector.connections.model.capabilities import FIXES as FIXES
from connector.connections.model.capabilities import Block as Block
from connector.connections.model.capabilities import Capability as Capability
from connector.connections.model.capabilities import CapabilityKind as CapabilityKind
from connector.connections.model.capabilities import CapabilityState as CapabilityState
from connector.connections.model.capabilities import Cause as Cause
from connector.connections.model.capabilities import Probe as Probe
from connector.connections.model.connection import LIVE as LIVE
from connector.connections.model.connection import UNSUBSCRIBE_TIME as UNSUBSCRIBE_TIME
from connector.connections.model.connection import Connection as Connection
from connector.connections.model.connection import Problem as Problem
from connector.connections.model.connection import State as State
from connector.connections.model.consent import Loss as Loss
from connector.connections.model.consent import losses as losses
from connector.connections.model.logins import CHOICE_TIME as CHOICE_TIME
from connector.connections.model.logins import LOGIN_TIME as LOGIN_TIME
from connector.connections.model.logins import Landing as Landing
from connector.connections.model.logins import Login as Login
from connector.connections.model.logins import Waiting as Waiting
from connector.connections.model.logins import Way as Way
from connector.connections.model.needs import NEEDS as NEEDS
from connector.connections.model.needs import scopes_for as scopes_for
from connector.connections.model.reach import EDITOR_TASKS as EDITOR_TASKS
from connector.connections.model.reach import Reach as Reach
from connector.connections.model.reach import TokenKind as TokenKind
from connector.connections.model.reach import missing_tasks as missing_tasks
from connector.connections.model.subscriptions import ESSENTIAL as ESSENTIAL
from connector.connections.model.subscriptions import FIELDS as FIELDS
from connector.connections.model.subscriptions import UNSTABLE_FROM as UNSTABLE_FROM
from connector.connections.model.subscriptions import AppSubscription as AppSubscription
from connector.connections.model.subscriptions import Subscription as Subscription
from connector.connections.model.subscriptions import app_gaps as app_gaps
from connector.connections.model.subscriptions import compare as compare
from connector.connections.model.subscriptions import wanted_fields as wanted_fields
from connector.connections.model.subscriptions import wanted_objects as wanted_objects
