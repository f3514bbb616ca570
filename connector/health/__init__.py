"""The truth about connections, told from our own memory, and the cleaning that keeps that memory small."""
