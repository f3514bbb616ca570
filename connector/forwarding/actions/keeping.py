"""The settings: read, and replaced as a whole."""

from connector.alerts import db as alerts
from connector.connections import db as connections
from connector.errors import FailedPrecondition
from connector.forwarding import db
from connector.forwarding.model import Forwarding, Wish
from connector.runtime import Runtime
from connector.settings import MailServer

ALERT = "MAIL_FORWARDING_FAILED"


async def get_forwarding(runtime: Runtime, store_id: str, connection_id: str) -> Forwarding:
    """Tell what a connection forwards, and how that does.

    Raises:
        NotFound, FailedPrecondition: as `connections.db.require`.

    """
    async with runtime.db.begin() as tx:
        return await db.read(tx, await connections.require(tx, store_id, connection_id))


async def set_forwarding(runtime: Runtime, store_id: str, connection_id: str, wish: Wish) -> Forwarding:
    """Replace what a connection forwards. What was suspended begins anew, and its alert closes.

    Raises:
        NotFound, FailedPrecondition: as `connections.db.require`; MAIL_NOT_CONFIGURED to switch it on without a mail server.

    """
    now = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id, lock=True)
        if wish.enabled:
            require_server(runtime)
        before = await db.read(tx, connection, lock=True)
        begun = before.enable_time if before.works else now
        kept = await db.keep(tx, connection, wish, enable_time=begun if wish.enabled else None, at=now)
        if connection.forwards_mail != wish.enabled:
            await connections.change(tx, connection.id, at=now, forwards_mail=wish.enabled)
        await alerts.close_alert(tx, connection.store_id, connection.id, ALERT, at=now)
        return kept


def require_server(runtime: Runtime) -> MailServer:
    """Tell where mail is handed in.

    Raises:
        FailedPrecondition: MAIL_NOT_CONFIGURED.

    """
    if runtime.mail is None:
        message = "This connector has no mail server: operators set SMTP_URL and MAIL_FROM"
        raise FailedPrecondition("MAIL_NOT_CONFIGURED", message)
    return runtime.mail
