"""Long work a caller can watch: what it set out to do, what Meta confirmed of it, how it ended."""
