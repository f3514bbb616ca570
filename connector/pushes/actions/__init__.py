"""What is done about pushes: made and changed, posted, and kept going."""

from connector.pushes.actions.configuring import configure as configure
from connector.pushes.actions.configuring import enable as enable
from connector.pushes.actions.configuring import end as end
from connector.pushes.actions.configuring import get as get
from connector.pushes.actions.configuring import list_page as list_page
from connector.pushes.actions.configuring import try_out as try_out
from connector.pushes.actions.pushing import push_events as push_events
from connector.pushes.actions.watching import watch_consumers as watch_consumers
