"""What follows from the mail server's words: who needs no more of a mail, when it is tried again, who is told that nobody is reached."""

from collections.abc import Mapping
from datetime import datetime

from connector.alerts import db as alerts
from connector.alerts.model import Alert
from connector.connections import db as connections
from connector.db import outbox
from connector.db.outbox import Taken
from connector.db.schema import Tx
from connector.forwarding import db
from connector.forwarding.actions.keeping import ALERT
from connector.forwarding.model import ALERT_AFTER, SUSPEND_AFTER, Forwarding, Mail, pause
from connector.runtime import Runtime
from connector.smtp import Told, Verdict

_BODIES = {
    "MAIL_SERVER_FAILING": "The mail server takes no mails; StormCom's operators look at SMTP_URL. It is tried again by itself.",
    "MAIL_REFUSED": "The mail server refuses every address; correct them, or test them with TestMailForwarding.",
}
_SUSPENDED = "For 3 days nobody was reached, so nothing is forwarded any more: mend it, then call UpdateMailForwarding."


async def settle(runtime: Runtime, task: Taken, mail: Mail, told: Mapping[str, Told]) -> None:
    """Note what became of a mail, by the hashes of addresses, and finish the turn."""
    now = runtime.now()
    async with runtime.db.begin() as tx:
        connection = await connections.by_id(tx, mail.connection_id, lock=True)
        await outbox.hold(tx, task)
        if connection is None:
            await outbox.done(tx, task, at=now)
            return
        forwarding = await db.read(tx, connection, lock=True)
        rest = await _note_mail(tx, task, mail, told, at=now)
        if any(one.verdict is Verdict.ACCEPTED for one in told.values()):
            await _reached(tx, forwarding, at=now)
        elif rest or not mail.settled:
            await _unreached(tx, forwarding, _why(told), at=now)


async def _note_mail(tx: Tx, task: Taken, mail: Mail, told: Mapping[str, Told], *, at: datetime) -> bool:
    """Note how far the mail came; tells whether it is tried again."""
    settled = [digest for digest, one in told.items() if one.verdict is not Verdict.LATER]
    accepted = sum(one.verdict is Verdict.ACCEPTED for one in told.values())
    facts = {
        "settled": [*mail.settled, *settled],
        "accepted_count": db.mails.c.accepted_count + accepted,
        "reply_code": max(one.code for one in told.values()),
        "tries": mail.tries + 1,
    } | ({"send_time": at} if accepted else {})
    reached = mail.accepted_count + accepted > 0
    rest = pause(mail, reached=reached, at=at) if len(settled) < len(told) else None
    if rest:
        await db.change(tx, mail.id, **facts, retry_time=at + rest)
        await outbox.again(tx, task, at + rest)
        return True
    await db.change(tx, mail.id, **facts)
    await db.end(tx, mail.id)
    await outbox.again(tx, task, at)  # whatever was written meanwhile is the next mail's
    return False


def _why(told: Mapping[str, Told]) -> str:
    refused = all(one.verdict is Verdict.REFUSED for one in told.values())
    return "MAIL_REFUSED" if refused else "MAIL_SERVER_FAILING"


async def _reached(tx: Tx, forwarding: Forwarding, *, at: datetime) -> None:
    if forwarding.update_time is None:
        return
    await db.note(tx, forwarding.connection_id, last_send_time=at, fail_time=None, reason="")
    await alerts.close_alert(tx, forwarding.store_id, forwarding.connection_id, ALERT, at=at)


async def _unreached(tx: Tx, forwarding: Forwarding, reason: str, *, at: datetime) -> None:
    """Note that nobody was reached; after an hour somebody is told, after days it is given up."""
    if not forwarding.works:
        return
    begin = forwarding.fail_time or at
    suspended = at - begin >= SUSPEND_AFTER
    values = {"fail_time": begin, "reason": reason} | ({"suspend_time": at} if suspended else {})
    await db.note(tx, forwarding.connection_id, **values)
    if at - begin < ALERT_AFTER:
        return
    body, rpc = (_SUSPENDED, "UpdateMailForwarding") if suspended else (_BODIES[reason], "TestMailForwarding")
    alert = Alert(ALERT, "Messages are not forwarded by e-mail", body, fix_rpc=rpc)
    new = await alerts.open_alert(tx, forwarding.store_id, forwarding.connection_id, alert, at=at)
    if suspended and not new:
        await alerts.remind(tx, forwarding.store_id, forwarding.connection_id, ALERT, at=at)
