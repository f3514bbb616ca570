"""The items of a catalog: their names, what is wanted of them, what was sent, what Meta confirmed. Shared by content and stock."""
