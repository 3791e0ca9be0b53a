-- What the installation knows of itself.

-- name: get
SELECT value FROM meta WHERE key = ?;

-- name: put
INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: get_bytes
SELECT value FROM meta WHERE key = ?;

-- name: put_bytes
INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: drop
DELETE FROM meta WHERE key = ?;

-- name: tables
SELECT name FROM sqlite_master WHERE type = 'table';

-- Whoever migrates holds the lock of the file already: the transaction began with it.
-- name: lock_schema
SELECT 1;

-- Nobody else writes meanwhile.
-- name: lock_briefly
SELECT 1;
