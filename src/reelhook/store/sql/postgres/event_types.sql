-- The apps' own event types. They are few, and kept in memory.

-- name: all
SELECT app_id, name, document FROM event_types ORDER BY app_id, name;

-- name: put
INSERT INTO event_types (app_id, name, document) VALUES (?, ?, ?)
ON CONFLICT (app_id, name) DO UPDATE SET document = excluded.document;

-- name: remove
DELETE FROM event_types WHERE app_id = ? AND name = ?;
