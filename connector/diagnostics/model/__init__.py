"""Trouble in a catalog and what explains it. Pure.

`values` says what is found, `explanations` is the error catalogue, whose rows stand in `item_errors`, `catalog_errors` and `reasons`.
"""
