-- The tenants. They are few, and kept in memory.

-- name: all
SELECT id, document FROM apps;

-- name: add
INSERT INTO apps (id, document, created_at) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING;

-- An id is never given out again: the log of the app that had it is still there.
-- name: bury
INSERT INTO removed_apps (id) VALUES (?) ON CONFLICT DO NOTHING;

-- name: is_buried
SELECT EXISTS (SELECT 1 FROM removed_apps WHERE id = ?);

-- name: change
UPDATE apps SET document = ? WHERE id = ?;

-- name: exists
SELECT EXISTS (SELECT 1 FROM apps WHERE id = ?);

-- name: remove
DELETE FROM apps WHERE id = ?;

-- name: remove_endpoints
UPDATE endpoints SET removed_at = ? WHERE app_id = ? AND removed_at IS NULL;

-- name: remove_tokens
DELETE FROM tokens WHERE app_id = ?;

-- name: remove_event_types
DELETE FROM event_types WHERE app_id = ?;

-- name: remove_tasks
DELETE FROM tasks WHERE app_id = ?;
