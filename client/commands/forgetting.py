"""People's data: have somebody deleted, look what was deleted, and say how long messages stay."""

from typing import Annotated

import typer

from client.output import moment, word
from client.session import session_of
from stormcom.facebook.v1.admin_service_pb2 import (
    DeletePersonalDataRequest,
    Deletion,
    GetPrivacySettingsRequest,
    ListDeletionsRequest,
    PrivacySettings,
    UpdatePrivacySettingsRequest,
)

app = typer.Typer()


@app.command()
def forget(
    context: typer.Context,
    *,
    psid: Annotated[str, typer.Option(help="The page-scoped id of a person who wrote.")] = "",
    conversation: Annotated[str, typer.Option(help="The conversation of that person.")] = "",
    merchant: Annotated[str, typer.Option(help="The app-scoped id of a merchant who connected.")] = "",
    email: Annotated[str, typer.Option(help="An e-mail address: what mentions it is emptied.")] = "",
) -> None:
    """Have a person's data deleted, for good; `deletions` tells how far it is."""
    session = session_of(context)
    names = {"psid": psid, "conversation_id": conversation, "meta_user_id": merchant, "email": email}
    given = {name: value for name, value in names.items() if value}
    if len(given) != 1:
        raise typer.BadParameter("name the person by one of --psid, --conversation, --merchant, --email")
    begun = session.caller.call(session.caller.admin.DeletePersonalData, DeletePersonalDataRequest(**given))
    deletion = begun.deletion
    session.output.show(deletion, f"{deletion.deletion_id} ends by {moment(deletion.due_time)}.")


@app.command()
def deletions(context: typer.Context) -> None:
    """List what was deleted, newest first."""
    session = session_of(context)
    found = session.caller.list_all(session.caller.admin.ListDeletions, ListDeletionsRequest(), field="deletions")
    session.output.list(
        found,
        {
            "deletion": lambda one: one.deletion_id,
            "state": lambda one: word(one, "state"),
            "asked for": lambda one: moment(one.create_time),
            "by": lambda one: one.caller,
            "removed": _removed,
        },
    )


@app.command()
def retention(
    context: typer.Context, days: Annotated[int, typer.Argument(help="For how many days; without it, tell.")] = 0
) -> None:
    """Tell, or set, for how many days messages stay."""
    session = session_of(context)
    admin = session.caller.admin
    if days:
        settings = PrivacySettings(message_days=days)
        kept = session.caller.call(
            admin.UpdatePrivacySettings, UpdatePrivacySettingsRequest(settings=settings)
        ).settings
    else:
        kept = session.caller.call(admin.GetPrivacySettings, GetPrivacySettingsRequest()).settings
    session.output.show(kept, f"Messages stay {kept.message_days} days.")


def _removed(deletion: Deletion) -> str:
    return ", ".join(f"{count} {table}" for table, count in sorted(deletion.removed.items()))
