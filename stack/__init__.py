"""Everything on one machine: embedded PostgreSQL and Redis, and the supervisor behind `make up` and `make demo`.

For development, demos and tests. In production each process runs under the platform's own supervisor.
"""
