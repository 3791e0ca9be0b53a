-- Who changed what. Rows are only ever added.

-- name: add
INSERT INTO audit (id, app_id, document) VALUES (?, ?, ?);

-- name: page
SELECT document FROM audit WHERE app_id = ? AND id < ? ORDER BY id DESC LIMIT ?;
