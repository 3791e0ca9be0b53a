-- How endpoints fare; `record` writes it (journal.sql).

-- name: all
SELECT endpoint_id, failing_since, last_success_at, last_failure_at, notified_at FROM endpoint_health;

-- name: one
SELECT failing_since, last_success_at, last_failure_at, exhausted_at FROM endpoint_health WHERE endpoint_id = ?;

-- name: forget_failures
UPDATE endpoint_health SET failing_since = NULL, notified_at = NULL WHERE endpoint_id = ?;

-- name: told
UPDATE endpoint_health SET notified_at = ? WHERE endpoint_id = ?;
