-- How endpoints fare; `record` writes it (journal.sql).

-- name: all
SELECT endpoint_id, failing_since, last_success_at, last_failure_at, notified_at FROM endpoint_health;

-- name: forget_failures
UPDATE endpoint_health SET failing_since = NULL, notified_at = NULL WHERE endpoint_id = ?;
