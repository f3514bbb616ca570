"""Background work: PostgreSQL keeps it, Redis and RQ wake the processes that do it.

The only package that knows Redis and RQ. It never loads gRPC: some of its processes fork.
"""
