"""What Meta's word of an end, our own wish, and an answer that comes late do to each other."""

from datetime import timedelta

from connector.business_extension import db
from connector.business_extension.actions import watching
from connector.runtime import Runtime
from connector.values import Environment
from tests.integration.business_extension.conftest import Install, column
from tests.integration.conftest import STORE


async def test_a_wish_that_is_taken_back_leaves_metas_word(install: Install, runtime: Runtime) -> None:
    """A refused Uninstall takes back its own wish, not the end that Meta told of meanwhile."""
    await install()
    async with runtime.db.begin() as tx:
        asked, _ = await watching.require(tx, STORE, Environment.TEST)
        wished = await db.note_notice(tx, asked, at=runtime.now())
        told = await db.note_notice(tx, wished, at=runtime.now() + timedelta(seconds=1))
        await db.take_notice_back(tx, wished, before=None)
        assert told == (await watching.require(tx, STORE, Environment.TEST))[0]
        await db.take_notice_back(tx, told, before=None)
        assert asked == (await watching.require(tx, STORE, Environment.TEST))[0]


async def test_what_was_asked_with_an_earlier_token_is_not_concluded_from(install: Install, runtime: Runtime) -> None:
    """An answer to the token before is no word about the installation that came since."""
    await install()
    async with runtime.db.begin() as tx:
        asked, before = await watching.require(tx, STORE, Environment.TEST)
    await install()
    async with runtime.db.begin() as tx:
        assert before is not None
        both = await watching.lock_both(tx, asked, before)
        await watching._conclude(runtime, tx, asked, both, None)
    assert not await column(runtime, "SELECT absence_time FROM installations WHERE absence_time IS NOT NULL")


async def test_a_notice_that_comes_while_meta_is_asked_is_kept(install: Install, runtime: Runtime) -> None:
    """What Meta showed before a webhook of the end came does not answer that webhook."""
    await install()
    async with runtime.db.begin() as tx:
        asked, connection = await watching.require(tx, STORE, Environment.TEST)
        assert connection is not None
        told = await db.note_notice(tx, asked, at=runtime.now())
        await watching._conclude(runtime, tx, asked, (told, connection), asked.assets)
        assert told.notice_time == (await watching.require(tx, STORE, Environment.TEST))[0].notice_time
        await watching._conclude(runtime, tx, told, (told, connection), asked.assets)
        assert (await watching.require(tx, STORE, Environment.TEST))[0].notice_time is None
