"""A connected Page whose secrets and people are watched."""

from dataclasses import replace

import pytest
import sqlalchemy

from connector.settings import Settings
from connector.vault import Secret
from tests.integration.messaging.conftest import chat
from tests.integration.secrets.canaries import Canaries
from tests.integration.webhook_ingress.conftest import ingress, post

__all__ = ["chat", "ingress", "post"]  # the fixtures are used here too


@pytest.fixture
def canaries() -> Canaries:
    """Nothing watched yet."""
    return Canaries()


@pytest.fixture
def settings(settings: Settings, canaries: Canaries) -> Settings:
    """Settings with passwords; the test's servers do not look at them."""
    url = sqlalchemy.make_url(settings.database_url.reveal()).set(password=canaries.secret("password-of-postgres"))
    redis = f"redis://:{canaries.secret('password-of-redis')}@127.0.0.1:1/0"
    return replace(settings, database_url=Secret(url.render_as_string(hide_password=False)), redis_url=Secret(redis))
