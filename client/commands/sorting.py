"""Categories: hand in a tree, see what it comes to, search the taxonomies, see the product sets."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from client.catalogues.jsonlines import read_messages
from client.commands.selling import describe_fault, find_version
from client.output import moment, word
from client.session import Session, session_of
from stormcom.facebook.v1.category_pb2 import Category, EffectiveCategory, TaxonomyKind
from stormcom.facebook.v1.category_service_pb2 import (
    CategoryResult,
    DeleteCategoriesRequest,
    ListCategoriesRequest,
    ListProductSetsRequest,
    SearchTaxonomyRequest,
    SetCategoriesRequest,
)

app = typer.Typer()
categories = typer.Typer(no_args_is_help=True)
app.add_typer(categories, name="categories", help="Keep the store's category tree, and map it to Google's and Meta's.")

AllowLive = Annotated[bool, typer.Option(help="Delete product sets also while the shop shows them.")]
_CALL = 500


def read_categories(file: Path, source_version: int) -> Iterator[Category]:
    """Read one `Category` in proto3 JSON a line.

    Raises:
        CatalogueUnusable: a line is none.

    """
    for category in read_messages(file, Category):
        category.source_version = category.source_version or source_version
        yield category


@categories.command("set")
def set_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON lines: category_id, parent_id, name, google_product_category, …")],
    *,
    source_version: Annotated[
        int, typer.Option(help="Of categories that name none; the file's time if not given.")
    ] = 0,
    allow_live: AllowLive = False,
) -> None:
    """Hand in the categories of a file. Ends with 1 when one was refused."""
    session = session_of(context)
    wanted = list(read_categories(file, source_version or find_version(file)))
    results: list[CategoryResult] = []
    for start in range(0, len(wanted), _CALL):
        request = SetCategoriesRequest(
            connection_id=session.connection_id,
            categories=wanted[start : start + _CALL],
            allow_live_product_set_deletion=allow_live,
        )
        results += session.caller.call(session.caller.categories.SetCategories, request).results
    _tell(session, results)


@categories.command()
def delete(
    context: typer.Context,
    category_id: Annotated[list[str], typer.Argument(help="The categories.")],
    *,
    allow_live: AllowLive = False,
) -> None:
    """Forget categories, and delete their product sets. Ends with 1 when one is not known."""
    session = session_of(context)
    request = DeleteCategoriesRequest(
        connection_id=session.connection_id, category_ids=category_id, allow_live_product_set_deletion=allow_live
    )
    _tell(session, session.caller.call(session.caller.categories.DeleteCategories, request).results)


def _tell(session: Session, results: Sequence[CategoryResult]) -> None:
    for one in results:
        faults = "; ".join(map(describe_fault, one.faults))
        session.output.show(one, f"{one.category_id}: {word(one, 'outcome')}{': ' if faults else ''}{faults}")
    if {one.outcome for one in results} - {CategoryResult.OUTCOME_ACCEPTED, CategoryResult.OUTCOME_UNCHANGED}:
        raise typer.Exit(1)


@categories.command("list")
def list_(context: typer.Context) -> None:
    """List the categories, and what each comes to."""
    session = session_of(context)
    request = ListCategoriesRequest(connection_id=session.connection_id, page_size=500)
    session.output.list(
        session.caller.list_all(session.caller.categories.ListCategories, request, field="categories"),
        {
            "category": lambda one: one.category.category_id,
            "path": lambda one: ("… > " if one.parent_missing else "") + " > ".join(one.path),
            "google": lambda one: _describe_mapping(one.google),
            "meta": lambda one: _describe_mapping(one.meta),
            "product set": lambda one: "yes" if one.category.product_set else "",
        },
    )


def _describe_mapping(mapped: EffectiveCategory) -> str:
    if not mapped.value:
        return ""
    doubt = "" if mapped.verified else ", not verified"
    return f"{mapped.path or mapped.value} (by {mapped.category_id}{doubt})"


@app.command()
def taxonomy(
    context: typer.Context,
    words: Annotated[str, typer.Argument(help="Words of the category, or its id.")],
    *,
    meta: Annotated[bool, typer.Option(help="Meta's own categories instead of Google's.")] = False,
) -> None:
    """Search Google's or Meta's product categories."""
    session = session_of(context)
    kind = TaxonomyKind.TAXONOMY_KIND_META if meta else TaxonomyKind.TAXONOMY_KIND_GOOGLE
    request = SearchTaxonomyRequest(kind=kind, words=words)
    answer = session.caller.call(session.caller.categories.SearchTaxonomy, request)
    session.output.list(answer.entries, {"id": lambda entry: entry.id, "path": lambda entry: entry.path})
    session.output.say(answer.edition or "The connector was given no list: only topmost categories are known.")


@app.command("sets")
def list_sets(context: typer.Context) -> None:
    """List the product sets."""
    session = session_of(context)
    request = ListProductSetsRequest(connection_id=session.connection_id, page_size=500)
    session.output.list(
        session.caller.list_all(session.caller.categories.ListProductSets, request, field="product_sets"),
        {
            "category": lambda one: one.category_id,
            "name": lambda one: one.name,
            "state": lambda one: word(one, "state"),
            "items": lambda one: one.product_count,
            "counted": lambda one: moment(one.check_time),
            "product set": lambda one: one.product_set_id,
            "reason": lambda one: ": ".join(filter(None, (one.reason, one.message))),
        },
    )
