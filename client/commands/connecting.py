"""Connect a store, unlink it, and see how it is."""

from typing import Annotated
from urllib.parse import parse_qs, urlsplit

import typer

from client.output import moment, word
from client.session import Session, session_of
from stormcom.facebook.v1.catalog_service_pb2 import CreateCatalogRequest
from stormcom.facebook.v1.connection_pb2 import Capability, Connection, Environment
from stormcom.facebook.v1.connector_service_pb2 import (
    AttachToken,
    BeginConnect,
    ChooseAssets,
    CompleteConnect,
    ConnectRequest,
    ConnectResponse,
    DisconnectRequest,
    GetStatusRequest,
    WatchStatusRequest,
)
from stormcom.facebook.v1.status_pb2 import ConnectionStatus

CATALOG_CHOICES = {
    "keep": DisconnectRequest.CATALOG_CHOICE_KEEP,
    "hide": DisconnectRequest.CATALOG_CHOICE_HIDE,
    "delete-ours": DisconnectRequest.CATALOG_CHOICE_DELETE_OURS,
}

app = typer.Typer()

ENVIRONMENTS = {
    "": Environment.ENVIRONMENT_UNSPECIFIED,
    "test": Environment.ENVIRONMENT_TEST,
    "production": Environment.ENVIRONMENT_PRODUCTION,
}


WAYS = {
    "": BeginConnect.WAY_UNSPECIFIED,
    "page": BeginConnect.WAY_PAGE_LOGIN,
    "business": BeginConnect.WAY_BUSINESS_LOGIN,
}


@app.command()
def connect(
    context: typer.Context,
    *,
    environment: Annotated[str, typer.Option(help="test or production; empty is the connector's only one.")] = "",
    way: Annotated[str, typer.Option(help="page or business; empty is Login for Business where it is set up.")] = "",
    return_url: Annotated[str, typer.Option(help="Where the merchant's browser ends up.")] = "",
    redirect_uri: Annotated[str, typer.Option(help="Your own callback; then hand in its URL with --complete.")] = "",
    complete: Annotated[str, typer.Option(help="The URL at which your own callback was called.")] = "",
    choose: Annotated[str, typer.Option(help="The Page to link.")] = "",
    catalog: Annotated[str, typer.Option(help="With --choose: the catalog to attach.")] = "",
    new_catalog: Annotated[str, typer.Option(help="With --choose: the name of a catalog to create.")] = "",
    business: Annotated[str, typer.Option(help="With --new-catalog: the business to create it in.")] = "",
    wait: Annotated[bool, typer.Option(help="Wait until the merchant comes back.")] = True,
) -> None:
    """Connect the store to a Page: begin, complete (only with a callback of your own), choose."""
    session = session_of(context)
    if (catalog or new_catalog) and not choose:
        raise typer.BadParameter("--catalog and --new-catalog go with --choose")
    if choose and not session.connection_id:
        raise typer.BadParameter("--choose goes on with a connection: name it with --connection before the command")
    if new_catalog and not business:
        raise typer.BadParameter("--new-catalog needs --business")
    if complete:
        _tell(session, _call(session, complete=_read_callback(complete)))
    elif choose:
        _choose(session, choose, catalog=catalog, new_catalog=new_catalog, business=business)
    else:
        if way not in WAYS:
            raise typer.BadParameter("--way is page or business")
        where = {"return_url": return_url, "redirect_uri": redirect_uri}
        begin = BeginConnect(environment=_environment(environment), way=WAYS[way], **where)
        _begin(session, begin, wait=wait and not redirect_uri)


@app.command()
def attach(
    context: typer.Context,
    token: Annotated[typer.FileText, typer.Argument(help="The file with the token; - reads standard input.")],
    *,
    page: Annotated[str, typer.Option(help="The Page to link; without one, the choice is shown.")] = "",
    catalog: Annotated[str, typer.Option(help="With --page: the catalog to attach.")] = "",
    environment: Annotated[str, typer.Option(help="test or production; empty is the connector's only one.")] = "",
) -> None:
    """Connect the store by a token made elsewhere: a system user's, or one of Login for Business. Never on the command line."""
    session = session_of(context)
    if catalog and not page:
        raise typer.BadParameter("--catalog goes with --page")
    named = {"access_token": token.read().strip(), "page_id": page, "catalog_id": catalog}
    _tell(session, _call(session, attach=AttachToken(environment=_environment(environment), **named)))


def _environment(name: str) -> Environment.ValueType:
    if name not in ENVIRONMENTS:
        raise typer.BadParameter("--environment is test or production")
    return ENVIRONMENTS[name]


def _call(session: Session, **step: BeginConnect | CompleteConnect | ChooseAssets | AttachToken) -> ConnectResponse:
    request = ConnectRequest(connection_id=session.connection_id, **step)  # type: ignore[arg-type]  # exactly one of four
    return session.caller.call(session.caller.connector.Connect, request)


def _begin(session: Session, begin: BeginConnect, *, wait: bool) -> None:
    begun = _call(session, begin=begin)
    session.connection_id = begun.connection.connection_id
    session.output.show(
        begun, f"Connection {session.connection_id}. Open this in the merchant's browser:\n{begun.open_dialog.url}"
    )
    if keep := ", ".join(page.name for page in begun.open_dialog.keep_pages):
        session.output.say(f"Leave these Pages ticked there, or they are disconnected: {keep}.")
    if not wait:
        return
    session.output.say(
        f"Waiting for the merchant, until {moment(begun.open_dialog.expire_time)} (Ctrl-C stops waiting only)."
    )
    request = WatchStatusRequest(connection_id=session.connection_id)
    for answer in session.caller.watch(session.caller.connector.WatchStatus, request):
        if answer.status.connection.state != Connection.STATE_AWAITING_LOGIN:
            _tell_state(session, answer.status.connection)
            return


def _choose(session: Session, page_id: str, *, catalog: str, new_catalog: str, business: str) -> None:
    chosen = _call(session, choose=ChooseAssets(page_id=page_id, catalog_id=catalog))
    session.connection_id = chosen.connection.connection_id
    if new_catalog:
        request = CreateCatalogRequest(connection_id=session.connection_id, business_id=business, name=new_catalog)
        session.caller.call(session.caller.catalog.CreateCatalog, request)
    _tell(session, chosen)


def _read_callback(url: str) -> CompleteConnect:
    query = parse_qs(urlsplit(url).query)
    values = {name: query.get(name, [""])[0] for name in ("state", "code", "error", "error_description")}
    if not values["state"]:
        raise typer.BadParameter("--complete: the URL carries no `state`; give the whole URL the browser was sent to")
    return CompleteConnect(**values)


def _tell(session: Session, answer: ConnectResponse) -> None:
    for loss in answer.losses:
        lost = " and ".join(word for word, gone in (("Page", loss.page_lost), ("catalog", loss.catalog_lost)) if gone)
        whose = f"connection {loss.connection_id}" if loss.connection_id else "another store's connection"
        session.output.say(f"This login took the {lost} from {whose} ({loss.page_name}): begin again and tick it too.")
    if session.output.json or not answer.HasField("choice"):
        session.output.show(answer, _describe(answer.connection))
        return
    session.output.say(f"{_describe(answer.connection)}\nChoose with --choose <page> [--catalog <catalog>]:")
    session.output.list(answer.choice.pages, {"page": lambda page: page.page_id, "name": lambda page: page.name})
    session.output.list(
        answer.choice.catalogs,
        {
            "catalog": lambda catalog: catalog.catalog_id,
            "name": lambda catalog: catalog.name,
            "business": lambda catalog: catalog.business_id,
        },
    )
    session.output.list(
        answer.choice.businesses, {"business": lambda owner: owner.business_id, "name": lambda owner: owner.name}
    )


def _tell_state(session: Session, connection: Connection) -> None:
    session.output.show(connection, _describe(connection))
    if connection.state == Connection.STATE_AWAITING_CHOICE:
        session.output.say(f"Go on with: fbconnector --connection {connection.connection_id} connect --choose <page>")
    if connection.state == Connection.STATE_DISCONNECTED:
        raise typer.Exit(1)


def _describe(connection: Connection) -> str:
    parts = [f"Connection {connection.connection_id} is {word(connection, 'state')}"]
    parts += [f"Page {connection.page.name} ({connection.page.page_id})"] if connection.page.page_id else []
    parts += [f"catalog {connection.catalog.catalog_id}"] if connection.catalog.catalog_id else []
    return ", ".join(parts) + (f": {connection.reason}." if connection.reason else ".")


@app.command()
def disconnect(
    context: typer.Context,
    *,
    catalog: Annotated[str, typer.Option(help="What becomes of our items: keep, hide or delete-ours.")] = "keep",
    dry_run: Annotated[bool, typer.Option(help="Only tell how many items that is about.")] = False,
) -> None:
    """Unlink the store; what is in the catalog stays there, unless told otherwise."""
    session = session_of(context)
    if catalog not in CATALOG_CHOICES:
        raise typer.BadParameter("--catalog is keep, hide or delete-ours")
    choice, named = CATALOG_CHOICES[catalog], session.connection_id
    request = DisconnectRequest(connection_id=named, catalog_choice=choice, dry_run=dry_run)
    answer = session.caller.call(session.caller.connector.Disconnect, request)
    items = [f"{answer.item_count} items of ours."] if answer.item_count else []
    items += [f"Operation {answer.operation.operation_id}."] if answer.operation.operation_id else []
    session.output.show(answer, " ".join([_describe(answer.connection), *items]))


@app.command()
def status(
    context: typer.Context,
    *,
    watch: Annotated[bool, typer.Option(help="Tell it again whenever it changes, until Ctrl-C.")] = False,
) -> None:
    """Tell how the connection is."""
    session = session_of(context)
    caller = session.caller
    if watch:
        for answer in caller.watch(
            caller.connector.WatchStatus, WatchStatusRequest(connection_id=session.connection_id)
        ):
            session.output.show(answer.status, describe_status(answer.status))
        return
    told = caller.call(caller.connector.GetStatus, GetStatusRequest(connection_id=session.connection_id)).status
    session.output.show(told, describe_status(told))


def _describe_capability(capability: Capability) -> str:
    told = f"  {word(capability, 'kind').lower()} {word(capability, 'state')}"
    missing = f" ({', '.join(capability.missing)})" if capability.missing else ""
    return f"{told}: {capability.reason}{missing}. {capability.fix}" if capability.reason else told


def describe_status(status: ConnectionStatus) -> str:
    """Tell a status in a few lines."""
    items, backlog, webhooks = status.items, status.backlog, status.webhooks
    lines = [
        _describe(status.connection),
        f"  items     {items.confirmed} confirmed, {items.sent} sent, {items.pending} pending, {items.rejected} rejected, {items.removing} leaving",
        f"  work      {backlog.task_count} tasks, {backlog.failed_task_count} given up, oldest due {moment(backlog.oldest_due_time)}",
        f"  webhooks  {', '.join(webhooks.subscribed_fields) or 'not subscribed'}; last heard {moment(webhooks.last_receive_time)}",
        f"  signals   {webhooks.waiting_signal_count} waiting, {webhooks.quarantined_signal_count} given up",
    ]
    lines += [_describe_capability(capability) for capability in status.connection.capabilities]
    lines += [f"  pause     {throttle.bucket} until {moment(throttle.until_time)}" for throttle in status.throttles]
    if status.graph_version_drift:
        lines.append(f"  Meta answers in {status.graph_version_drift}, we speak {status.graph_version}")
    lines += [f"  {sunset.what} ends {moment(sunset.end_time)}: {sunset.explanation}" for sunset in status.sunsets]
    if status.HasField("last_problem"):
        problem = status.last_problem
        lines.append(f"  last problem, {moment(problem.time)}: {problem.reason}: {problem.message}")
    return "\n".join(lines)
