"""What a connection is, and what it may do at any moment. Pure.

`connection` is the link and its logins, `assets` what the merchant grants, `capabilities` what may be done with it.
"""

from connector.connections.model.assets import Business as Business
from connector.connections.model.assets import Catalog as Catalog
from connector.connections.model.assets import Offer as Offer
from connector.connections.model.assets import Page as Page
from connector.connections.model.capabilities import CONCERNED as CONCERNED
from connector.connections.model.capabilities import FIXES as FIXES
from connector.connections.model.capabilities import Block as Block
from connector.connections.model.capabilities import Capability as Capability
from connector.connections.model.capabilities import CapabilityKind as CapabilityKind
from connector.connections.model.capabilities import CapabilityState as CapabilityState
from connector.connections.model.connection import LIVE as LIVE
from connector.connections.model.connection import LOGIN_TIME as LOGIN_TIME
from connector.connections.model.connection import UNSUBSCRIBE_TIME as UNSUBSCRIBE_TIME
from connector.connections.model.connection import Connection as Connection
from connector.connections.model.connection import Landing as Landing
from connector.connections.model.connection import Login as Login
from connector.connections.model.connection import Problem as Problem
from connector.connections.model.connection import State as State
from connector.connections.model.connection import Way as Way
