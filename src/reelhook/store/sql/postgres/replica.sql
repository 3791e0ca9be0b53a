-- What a node keeps a copy of in memory: apps with their tokens, endpoints and event types. An app's version grows with
-- every change of them, in the order of commits.

-- name: versions
SELECT id, version FROM apps;

-- name: versions_of
SELECT id, version FROM apps WHERE id IN (SELECT value FROM json_array_elements_text(:ids::text::json));

-- name: apps
SELECT id, document, created_at FROM apps WHERE id = ?;

-- name: tokens
SELECT id, app_id, hash, document FROM tokens WHERE app_id = ? ORDER BY id;

-- name: event_types
SELECT app_id, name, document FROM event_types WHERE app_id = ? ORDER BY name;

-- Those that changed since the version that is known, removed ones too.
-- name: endpoints
SELECT e.id, e.app_id, e.version, e.compat_id, e.removed_at, v.name, v.url, v.document, v.made_at
FROM endpoints e JOIN endpoint_versions v ON v.endpoint_id = e.id AND v.version = e.version
WHERE e.app_id = ? AND e.changed > ?;

-- An endpoint's version that is no longer the current one: what an attempt cites.
-- name: buried
SELECT id FROM removed_apps;
