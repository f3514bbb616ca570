"""What is done with events: handed out, taken back, followed, handed out again."""

from connector.events.actions.consuming import forget_consumer as forget_consumer
from connector.events.actions.consuming import list_consumers as list_consumers
from connector.events.actions.consuming import list_dead_letters as list_dead_letters
from connector.events.actions.consuming import redrive as redrive
from connector.events.actions.consuming import replay as replay
from connector.events.actions.consuming import set_consumer as set_consumer
from connector.events.actions.following import Batch as Batch
from connector.events.actions.following import follow as follow
from connector.events.actions.taking import acknowledge as acknowledge
from connector.events.actions.taking import floor_of as floor_of
from connector.events.actions.taking import give_back as give_back
from connector.events.actions.taking import pull as pull
from connector.events.actions.writing import KINDS as KINDS
from connector.events.actions.writing import write_event as write_event
