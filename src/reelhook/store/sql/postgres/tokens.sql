-- Access tokens; of each only its SHA-256 is kept.

-- name: by_hash
SELECT document FROM tokens WHERE hash = ?;

-- name: get
SELECT document FROM tokens WHERE id = ? AND app_id = ?;

-- name: page
SELECT document FROM tokens WHERE app_id = ? AND id < ? ORDER BY id DESC LIMIT ?;

-- name: add
INSERT INTO tokens (id, app_id, hash, document) VALUES (?, ?, ?, ?);

-- name: remove
DELETE FROM tokens WHERE id = ? AND app_id = ?;
