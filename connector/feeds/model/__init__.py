"""What a feed and its uploads are (`values`), and how a file is written: `files`, `products`, `reviews`, `navigation`."""
