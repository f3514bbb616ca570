"""`python -m client.tour`: takes the tour; exit code 0 only if every expectation held, otherwise 1 and which did not."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from client.call import Caller, open_channel
from client.catalogues.reading import read_catalogue
from client.catalogues.terms import CatalogueUnusable, Terms
from client.commands.selling import Brand, Currency, LinkTemplate, Map, find_version
from client.failures import CallFailed
from client.tour import buying, ordering, selling, talking
from client.tour.script import Listener, Tour, Unmet
from client.tour.shelf import stock_up
from client.tour.simulation import NotReached, Simulation

DEMO_CATALOGUE = Path(__file__).parent.parent / "demo_catalogue.csv"


def main(
    *,
    address: Annotated[str, typer.Option(help="host:port of the connector.")],
    token: Annotated[str, typer.Option(envvar="FBCONNECTOR_TOKEN", help="Its bearer token.")],
    simulator: Annotated[str, typer.Option(help="URL of the simulator.")],
    catalog: Annotated[Path, typer.Option(help="The products.")] = DEMO_CATALOGUE,
    map: Map = None,
    currency: Currency = "USD",
    link_template: LinkTemplate = "https://shop.example/products/{handle}",
    brand: Brand = "",
    products_only: Annotated[bool, typer.Option(help="End when the products and their stock are at Meta.")] = False,
) -> None:
    """Walk over the whole API, and say what held."""
    console = Console()
    number = time.time_ns() // 1_000_000
    try:
        terms = Terms(source_version=find_version(catalog), currency=currency, link_template=link_template, brand=brand)
        entries = read_catalogue(catalog, terms, pairs=map or ())
        simulation = Simulation(simulator)
        world = simulation.seed(number)
        with Caller(channel=open_channel(address), token=token, store_id=f"tour-{number}") as caller:
            tour = Tour(caller, simulation, console, world)
            walk(tour, entries, products_only=products_only)
    except (CatalogueUnusable, NotReached, CallFailed) as failure:
        console.print(f"[red]The tour broke off:[/red] {escape(str(failure))}", soft_wrap=True)
        raise typer.Exit(1) from failure
    finish(tour)


def walk(tour: Tour, entries: selling.Entries, *, products_only: bool = False) -> None:
    """Take every step, until one fails that the rest stands on."""
    try:
        selling.connect(tour)
        listener = Listener(tour.caller)
        selling.sync(tour, selling.send_catalogue(tour, entries))
        selling.change_stock(tour)
        if products_only:
            return
        question = talking.hear(tour, listener)
        talking.answer(tour, listener, question)
        go_shopping(tour, listener, question.conversation_id)
        talking.give_up_one(tour)
        talking.acknowledge(tour)
        talking.examine(tour)
        talking.look_back(tour)
    except Unmet:
        tour.console.print("The rest of the tour stands on this: it ends here.")
    except (NotReached, CallFailed) as failure:
        tour.expect(False, str(failure))


def go_shopping(tour: Tour, listener: Listener, conversation_id: str) -> None:
    """Let buyers order on every road: by a link, in the chat, in Meta's own checkout."""
    shelf = stock_up(tour)
    buying.buy_by_link(tour, listener, shelf)
    buying.ask_back(tour, listener, conversation_id)
    buying.buy_in_chat(tour, listener, shelf, conversation_id)
    ordering.manage(tour)
    shipped = ordering.bring_in(tour, listener, shelf, 3, "meta-1")
    ordering.ship_and_pay_back(tour, listener, shipped)
    ordering.cancel(tour, listener, shelf, ordering.bring_in(tour, listener, shelf, 2, "meta-2"))
    ordering.take_back(tour, listener, shipped)


def finish(tour: Tour) -> None:
    """Print the table; leave with 1 when something did not hold."""
    table = Table("what", "result", title="The tour")
    for name, value in tour.table:
        table.add_row(escape(name), escape(value))
    tour.console.print(table)
    held = tour.expected_count - len(tour.failures)
    tour.console.print(f"{held} of {tour.expected_count} expectations held.")
    for text in tour.failures:
        tour.console.print(f"[red]Did not hold:[/red] {escape(text)}", soft_wrap=True)
    sys.exit(1 if tour.failures else 0)


if __name__ == "__main__":
    typer.run(main)
