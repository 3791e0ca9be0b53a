-- Endpoints, each a chain of immutable versions; the current one is named by endpoints.version.

-- name: get
SELECT e.app_id, e.id, e.version, v.document FROM endpoints e
JOIN endpoint_versions v ON v.endpoint_id = e.id AND v.version = e.version
WHERE e.id = ? AND e.app_id = ? AND e.removed_at IS NULL;

-- name: version
SELECT e.app_id, e.id, v.version, v.document FROM endpoints e
JOIN endpoint_versions v ON v.endpoint_id = e.id
WHERE e.id = ? AND v.version = ?;

-- name: document
SELECT document FROM endpoint_versions WHERE endpoint_id = ? AND version = ?;

-- name: page
SELECT e.app_id, e.id, e.version, v.document FROM endpoints e
JOIN endpoint_versions v ON v.endpoint_id = e.id AND v.version = e.version
WHERE e.app_id = ? AND e.id < ? AND e.removed_at IS NULL ORDER BY e.id DESC LIMIT ?;

-- name: all
SELECT e.app_id, e.id, e.version, v.document FROM endpoints e
JOIN endpoint_versions v ON v.endpoint_id = e.id AND v.version = e.version
WHERE e.removed_at IS NULL ORDER BY e.id;

-- name: add
INSERT INTO endpoints (id, app_id, version, compat_id) VALUES (?, ?, ?, ?);

-- name: add_version
INSERT INTO endpoint_versions (endpoint_id, version, name, url, document, made_at) VALUES (?, ?, ?, ?, ?, ?);

-- The version given must follow the stored one: whoever changed an older one has not seen the current one.
-- name: change
UPDATE endpoints SET version = :version, compat_id = :compat_id
WHERE id = :id AND app_id = :app_id AND version = :version - 1 AND removed_at IS NULL;

-- name: exists
SELECT EXISTS (SELECT 1 FROM endpoints WHERE id = ? AND app_id = ? AND removed_at IS NULL);

-- A version that is given must be the stored one: whoever removes an older one has not seen the current one.
-- name: remove
UPDATE endpoints SET removed_at = :at
WHERE id = :id AND app_id = :app_id AND version = coalesce(:version, version) AND removed_at IS NULL;
