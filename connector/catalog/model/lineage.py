"""Which stored item goes on as which variant when a product gains variants or loses them. Pure.

An item keeps its name for ever, and with it what Meta learned about it. It may stand for the product as a whole, and for one
variant of it: each is written once, so no name is ever handed to another variant.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol


class Stood(Protocol):
    """What an item has stood for. `whole`: the product without variants; `heir`: the one variant, empty when there was none."""

    @property
    def variant_id(self) -> str: ...  # noqa: D102 – what it stands for now; empty for the whole product
    @property
    def wanted(self) -> bool: ...  # noqa: D102 – whether it is for sale
    @property
    def whole(self) -> bool: ...  # noqa: D102 – above
    @property
    def heir(self) -> str: ...  # noqa: D102 – above


def succession(listed: Sequence[str], kept: Mapping[str, Stood]) -> tuple[str, str] | None:
    """Tell which item goes on as another variant than before, if one does: the variant id it has, and the one it gets.

    `listed` are the variant ids wanted now, one empty id for a product without variants; `kept` are all its items by their present ids.
    """
    new = [one for one in listed if one not in kept]
    if new == [""]:
        whole = [item for item in kept.values() if item.whole] or [item for item in kept.values() if item.wanted]
        return (whole[0].variant_id, "") if len(whole) == 1 else None
    simple = kept.get("")
    if simple is None or not new:
        return None
    heir = simple.heir or new[0]
    return ("", heir) if heir in new else None
