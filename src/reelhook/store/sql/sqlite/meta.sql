-- What the installation knows of itself.

-- name: get
SELECT value FROM meta WHERE key = ?;

-- name: put
INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: tables
SELECT name FROM sqlite_master WHERE type = 'table';
