"""Takes what buyers did, and reports it to Meta in the background.

Its files: `keeping` (the pixel, taking reports in), `sending` (batches, halved around what Meta refuses).
"""

from connector.conversions.actions.keeping import (
    Taken,
    hindrance,
    list_conversions,
    read_pixel,
    set_pixel,
    take,
    take_in,
)
from connector.conversions.actions.sending import end_overdue, send_conversions

__all__ = [
    "Taken",
    "end_overdue",
    "hindrance",
    "list_conversions",
    "read_pixel",
    "send_conversions",
    "set_pixel",
    "take",
    "take_in",
]
