"""FacebookEvents, as callers say it."""

from connector.events.actions.writing import write_event as write_event
from connector.events.rpc.consuming import delete_consumer as delete_consumer
from connector.events.rpc.consuming import list_consumers as list_consumers
from connector.events.rpc.consuming import list_dead_letters as list_dead_letters
from connector.events.rpc.consuming import redrive_dead_letters as redrive_dead_letters
from connector.events.rpc.consuming import replay_events as replay_events
from connector.events.rpc.consuming import set_consumer as set_consumer
from connector.events.rpc.taking import ack_events as ack_events
from connector.events.rpc.taking import nack_events as nack_events
from connector.events.rpc.taking import pull_events as pull_events
from connector.events.rpc.taking import subscribe as subscribe
