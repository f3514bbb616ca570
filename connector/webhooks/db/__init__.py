"""Where deliveries and signals are kept. Each query takes the open transaction."""

from connector.webhooks.db.days import drop as drop
from connector.webhooks.db.days import forget_parked as forget_parked
from connector.webhooks.db.days import forget_rest as forget_rest
from connector.webhooks.db.days import prepare as prepare
from connector.webhooks.db.keeping import keep as keep
from connector.webhooks.db.parking import park as park
from connector.webhooks.db.parking import parked_pages as parked_pages
from connector.webhooks.db.parking import release as release
from connector.webhooks.db.setting_aside import quarantined as quarantined
from connector.webhooks.db.setting_aside import set_aside as set_aside
from connector.webhooks.db.setting_aside import without_quarantined as without_quarantined
from connector.webhooks.db.tables import KEY as KEY
from connector.webhooks.db.tables import deliveries as deliveries
from connector.webhooks.db.tables import delivery_pages as delivery_pages
from connector.webhooks.db.tables import parked as parked
from connector.webhooks.db.tables import signals as signals
from connector.webhooks.db.told import told_news as told_news
from connector.webhooks.db.working import begin as begin
from connector.webhooks.db.working import finish as finish
from connector.webhooks.db.working import move_on as move_on
from connector.webhooks.db.working import next_waiting as next_waiting
from connector.webhooks.db.working import note_pages as note_pages
from connector.webhooks.db.working import rewrite as rewrite
from connector.webhooks.db.working import work_again as work_again
