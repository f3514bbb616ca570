"""What a product is, what Meta wants of it, and how one becomes the other. Pure.

`values` says what is wanted and kept, `text` cleans what people wrote, `mapping` checks a product and writes its items,
`merge` decides what a wish changes about what is stored.
"""
