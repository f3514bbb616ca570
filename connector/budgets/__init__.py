"""How much of Meta's allowances is left, who may spend it next, and what Meta is not asked while it fails."""
