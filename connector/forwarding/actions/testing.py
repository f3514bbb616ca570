"""Sends a mail that says it is a test, while somebody waits."""

from collections.abc import Sequence
from datetime import timedelta

from connector import smtp
from connector.connections import db as connections
from connector.errors import InvalidInput, Throttled
from connector.forwarding import db
from connector.forwarding.actions.keeping import require_server
from connector.forwarding.model import TEST_EVERY
from connector.forwarding.model.letters import Post, write_test
from connector.runtime import Runtime
from connector.smtp import Letter, Told

_TIMEOUT = timedelta(seconds=5)


async def try_out(runtime: Runtime, store_id: str, connection_id: str) -> Sequence[tuple[str, Told]]:
    """Send a test to every address of a connection; tells what the mail server said of each.

    Raises:
        NotFound, FailedPrecondition: as `connections.db.require`; MAIL_NOT_CONFIGURED.
        InvalidInput: there is no address.
        Throttled: MAIL_TEST_TOO_SOON.

    """
    now = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections.require(tx, store_id, connection_id)
        server = require_server(runtime)
        forwarding = await db.read(tx, connection, lock=True)
        if not forwarding.wish.addresses:
            raise InvalidInput.of("", "FIELD_REQUIRED", "There is no address to test: UpdateMailForwarding sets some")
        if forwarding.test_time and now < (until := forwarding.test_time + TEST_EVERY):
            message = "It was tested less than a minute ago: wait"
            raise Throttled("mail", until, message, reason="MAIL_TEST_TOO_SOON")
        await db.note(tx, connection.id, test_time=now)
    post, mail_id = Post(server.sender, server.domain, "", connection.page_name), runtime.new_id()
    addresses = forwarding.wish.addresses
    letters = [Letter(address, write_test(post, mail_id, address, at=now)) for address in addresses]
    told = await smtp.send(server, letters, timeout=min(server.timeout, _TIMEOUT))
    return list(zip(addresses, told, strict=True))
