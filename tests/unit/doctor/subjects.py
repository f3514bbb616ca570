"""A connection to be judged."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connector.doctor.model.values import Subject
from tests.unit.connections.test_model import BARE

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LINKED = NOW - timedelta(days=9)
CONNECTION = replace(BARE, page_id="30", catalog_id="50", business_id="20", token_time=LINKED, state_time=LINKED)
SUBJECT = Subject(
    CONNECTION, app_id="610", callback_url="https://us.example/webhooks/facebook", hosts=("shop.example",), psid="70"
)
