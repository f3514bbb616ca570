"""What StormCom must learn: an append-only log per store, pulled and acknowledged or streamed."""
