"""The truth about connections, told from our own memory."""
