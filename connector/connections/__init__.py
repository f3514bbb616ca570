"""A store's link to one Facebook Page: login, tokens, capabilities, the Page's webhook subscription."""
