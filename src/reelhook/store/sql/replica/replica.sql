-- Writes the copy of the registries that a node on PostgreSQL keeps in memory, an SQLite of its own (postgres/replica.py).

-- name: put_app
INSERT INTO apps (id, document, created_at) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document;

-- name: delete_app
DELETE FROM apps WHERE id = ?;

-- name: delete_tokens
DELETE FROM tokens WHERE app_id = ?;

-- name: put_token
INSERT INTO tokens (id, app_id, hash, document) VALUES (?, ?, ?, ?);

-- name: delete_event_types
DELETE FROM event_types WHERE app_id = ?;

-- name: put_event_type
INSERT INTO event_types (app_id, name, document) VALUES (?, ?, ?);

-- name: delete_endpoints
DELETE FROM endpoints WHERE app_id = ?;

-- name: delete_endpoint
DELETE FROM endpoints WHERE id = ?;

-- name: delete_versions
DELETE FROM endpoint_versions WHERE endpoint_id = ?;

-- name: put_endpoint
INSERT INTO endpoints (id, app_id, version, compat_id, removed_at) VALUES (?, ?, ?, ?, NULL);

-- name: put_version
INSERT INTO endpoint_versions (endpoint_id, version, name, url, document, made_at) VALUES (?, ?, ?, ?, ?, ?);

-- name: endpoints_of
SELECT id FROM endpoints WHERE app_id = ?;
