"""What every command gets: the caller and the output, made from the options before the command's name."""

from dataclasses import dataclass, field

import typer

from client.call import Caller, open_channel
from client.output import Output


@dataclass(slots=True, kw_only=True)
class Session:
    """The options of this run. The channel opens when the first call needs it."""

    address: str
    token: str
    store_id: str
    connection_id: str
    tls: bool
    output: Output
    _caller: Caller | None = field(default=None, init=False)

    @property
    def caller(self) -> Caller:
        """Return the way to the connector."""
        if not self.store_id:
            raise typer.BadParameter("name the store: --store or FBCONNECTOR_STORE")
        if self._caller is None:
            channel = open_channel(self.address, tls=self.tls)
            self._caller = Caller(channel=channel, token=self.token, store_id=self.store_id)
        return self._caller

    def close(self) -> None:
        """Close the channel, if there is one."""
        if self._caller is not None:
            self._caller.channel.close()


def session_of(context: typer.Context) -> Session:
    """Return the session that the command line opened."""
    session = context.find_object(Session)
    if session is None:
        raise typer.BadParameter("run this through `fbconnector`")
    return session
