"""The commands of `fbconnector`, by what they are about. Each is a page of options around one or two calls."""
