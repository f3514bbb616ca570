"""gRPC, shared half: who calls, what failed, how values cross."""
