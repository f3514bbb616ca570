"""PostgreSQL, shared half: schema conventions, tasks, throttles, migrations."""
