"""What a category is (`tree`), what the tree makes of a product (`placing`), and its product set at Meta (`sets`). Pure."""
