"""Opens and seals a connection's tokens; each sealed text opens only in the row and for the kind it was sealed for."""

from connector.connections import db
from connector.connections.model import Connection
from connector.errors import FailedPrecondition
from connector.graph.client import Access
from connector.runtime import Runtime
from connector.vault import Binding, Secret, Unsealable


def access(runtime: Runtime, connection: Connection, kind: str = "page") -> Access:
    """Open a connection's token: the Page's, or the person's (`kind="user"`) for catalogs.

    Raises:
        FailedPrecondition: STORE_NOT_CONNECTED or META_TOKEN_INVALID.

    """
    db.require_connected(connection)
    sealed = connection.user_token if kind == "user" else connection.page_token
    app = runtime.app(connection.environment)
    return Access(open_token(runtime, connection, sealed, kind), app.secrets[0])


def open_token(runtime: Runtime, connection: Connection, sealed: bytes | None, kind: str) -> Secret:
    """Open a sealed token of this connection.

    Raises:
        FailedPrecondition: META_TOKEN_INVALID, when there is none or it does not open.

    """
    fix = "Connect.begin"
    if sealed is None:
        raise FailedPrecondition("META_TOKEN_INVALID", "There is no token: the merchant connects again", fix=fix)
    try:
        return runtime.vault.open(sealed, binding(connection, kind))
    except Unsealable as damage:
        message = (
            "The stored token cannot be opened (operators check VAULT_KEYS); otherwise the merchant connects again"
        )
        raise FailedPrecondition("META_TOKEN_INVALID", message, fix=fix) from damage


def binding(connection: Connection, kind: str) -> Binding:
    """Tell what a token of this connection and kind is bound to."""
    return Binding(connection.store_id, str(connection.id), kind)
