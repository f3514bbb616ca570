"""What a connection needs for a call: its token, opened, and room in Meta's allowances.

Each sealed text opens only in the row and for the kind it was sealed for.
"""

from connector.budgets import db as budgets
from connector.budgets.model import Urgency
from connector.connections import db
from connector.connections.model import Connection, State
from connector.db.schema import Tx
from connector.errors import FailedPrecondition
from connector.graph.client import Access, app_bucket
from connector.runtime import Runtime
from connector.values import Environment
from connector.vault import Binding, Secret, Unsealable


async def access(runtime: Runtime, connection: Connection, kind: str = "page") -> Access:
    """Open a connection's token: the Page's, or the person's (`kind="user"`) for catalogs; also of one on its way out.

    Raises:
        FailedPrecondition: STORE_NOT_CONNECTED or META_TOKEN_INVALID.
        Unavailable: VAULT_UNAVAILABLE, as a key service may be asked; so never inside a transaction.

    """
    if connection.state is not State.DISCONNECTING:
        db.require_connected(connection)
    sealed = connection.user_token if kind == "user" else connection.page_token
    app = runtime.app(connection.environment)
    return Access(await open_token(runtime, connection, sealed, kind), app.secrets[0], app.app_id)


async def require_room(
    runtime: Runtime, tx: Tx, connection: Connection, bucket: str, *, urgency: Urgency = Urgency.PATIENT
) -> None:
    """Refuse to go on unless Meta has room for a call of this connection now; for background work, before every call.

    Raises:
        Throttled: the task waits, and comes back by itself.

    """
    app = app_bucket(runtime.app(connection.environment).app_id)
    own = app if bucket == "app" else bucket
    holder = f"{connection.id}:{urgency}"
    await budgets.require_room(tx, own, app_bucket=app, holder=holder, urgency=urgency, at=runtime.now())


async def require_open(runtime: Runtime, tx: Tx, environment: Environment) -> None:
    """Refuse to go on while Meta wants a pause of our app; before calls that a person waits for.

    Raises:
        Throttled: with the time to wait until.

    """
    await budgets.require_open(tx, [app_bucket(runtime.app(environment).app_id)], at=runtime.now())


async def open_token(runtime: Runtime, connection: Connection, sealed: bytes | None, kind: str) -> Secret:
    """Open a sealed token of this connection.

    Raises:
        FailedPrecondition: META_TOKEN_INVALID, when there is none or it is damaged.
        Unavailable: VAULT_UNAVAILABLE, its key cannot be used for the moment.

    """
    fix = "Connect.begin"
    if sealed is None:
        raise FailedPrecondition("META_TOKEN_INVALID", "There is no token: the merchant connects again", fix=fix)
    try:
        return await runtime.vault.open(sealed, binding(connection, kind))
    except Unsealable as damage:
        message = "The stored token is damaged: the merchant connects again"
        raise FailedPrecondition("META_TOKEN_INVALID", message, fix=fix) from damage


def binding(connection: Connection, kind: str) -> Binding:
    """Tell what a token of this connection and kind is bound to."""
    return Binding(connection.store_id, str(connection.id), kind)
