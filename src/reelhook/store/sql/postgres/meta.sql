-- What the installation knows of itself.

-- name: get
SELECT value FROM meta WHERE key = ?;

-- name: put
INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- A column has one type here, so bytes have one of their own.
-- name: get_bytes
SELECT bytes FROM meta WHERE key = ?;

-- name: put_bytes
INSERT INTO meta (key, bytes) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET bytes = excluded.bytes;

-- name: drop
DELETE FROM meta WHERE key = ?;

-- name: tables
SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema();

-- A transaction locks nothing by beginning: without this two nodes that start at once would both migrate. Any number
-- would do; it is "reel" in ASCII.
-- name: lock_schema
SELECT pg_advisory_xact_lock(1919247724);

-- Whoever waits for a table's lock makes all others wait behind him: a change of the tables waits a moment only, and is
-- tried again. What it does once it has its locks may take as long as it takes.
-- name: lock_briefly
SELECT set_config('lock_timeout', '500ms', true), set_config('statement_timeout', '0', true);
