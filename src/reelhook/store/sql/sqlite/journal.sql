-- The hot path: accept and record. `:rows` stands for as many rows of values as there are.

-- name: insert_events
INSERT INTO events (id, app_id, type, given_id, occurred_at, accepted_at, ordering_key, source, data, deliveries)
VALUES :rows;

-- name: insert_deliveries
INSERT INTO deliveries (id, app_id, event_id, endpoint_id, state, attempts, step, rescues, trigger, claim_id,
                        next_attempt_at, updated_at, lane, position)
VALUES :rows;

-- name: insert_queue
INSERT INTO queue (endpoint_id, due_at, delivery_id) VALUES :rows;

-- name: insert_keys
INSERT INTO keys (app_id, kind, key, fingerprint, answer, event_id, expires_at) VALUES :rows
ON CONFLICT (app_id, kind, key) DO UPDATE SET fingerprint = excluded.fingerprint, answer = excluded.answer,
  event_id = excluded.event_id, expires_at = excluded.expires_at;

-- name: recall_key
SELECT fingerprint, answer, event_id FROM keys WHERE app_id = ? AND kind = ? AND key = ? AND expires_at > ?;

-- name: insert_attempts
INSERT INTO attempts (id, app_id, delivery_id, event_id, event_given_id, event_type, event_name, endpoint_id,
                      endpoint_version, number, at, succeeded, status_code, failure, error, trigger, duration_ms,
                      previous_id)
VALUES :rows;

-- name: insert_attempt_details
INSERT INTO attempt_details (id, head, prefix, suffix, body, response_head, response_body, truncated, timing,
                             remote_address, replayed, renewed)
VALUES :rows;

-- A completion counts only with the claim's own claim_id.
-- name: complete
WITH done (id, claim_id, state, step, rescues, next_attempt_at, now, delivered_at, attempt_id) AS (VALUES :rows)
UPDATE deliveries SET state = done.state, step = done.step, rescues = done.rescues, claim_id = NULL,
  next_attempt_at = done.next_attempt_at, updated_at = done.now,
  delivered_at = coalesce(done.delivered_at, deliveries.delivered_at), last_attempt_id = done.attempt_id,
  trigger = 'schedule'
FROM done WHERE deliveries.id = done.id AND deliveries.claim_id = done.claim_id;

-- After `complete` changed fewer rows than it was given: which ones it did change.
-- name: completed
WITH done (id, attempt_id) AS (VALUES :rows)
SELECT done.id FROM done JOIN deliveries ON deliveries.id = done.id AND deliveries.last_attempt_id = done.attempt_id;

-- name: delete_claims
DELETE FROM claims WHERE delivery_id IN (VALUES :rows);

-- name: add_rollups
INSERT INTO rollups (endpoint_id, minute, measure, count) VALUES :rows
ON CONFLICT (endpoint_id, minute, measure) DO UPDATE SET count = count + excluded.count;

-- `reset` is 1 when a success was seen: then what failed before it no longer counts.
-- name: note_health
WITH seen (endpoint_id, reset, failing_since, success_at, failure_at, exhausted_at) AS (VALUES :rows)
INSERT INTO endpoint_health (endpoint_id, failing_since, last_success_at, last_failure_at, exhausted_at)
SELECT endpoint_id, failing_since, success_at, failure_at, exhausted_at FROM seen WHERE true
ON CONFLICT (endpoint_id) DO UPDATE SET
  failing_since = CASE WHEN excluded.last_success_at IS NOT NULL THEN excluded.failing_since
                       ELSE coalesce(failing_since, excluded.failing_since) END,
  exhausted_at = CASE WHEN excluded.last_success_at IS NOT NULL THEN excluded.exhausted_at
                      ELSE coalesce(excluded.exhausted_at, exhausted_at) END,
  last_success_at = coalesce(excluded.last_success_at, last_success_at),
  last_failure_at = coalesce(excluded.last_failure_at, last_failure_at);

-- Writes one page, and fails while the disk is full. (A value that stays the same would not be written.)
-- name: touch
INSERT INTO meta (key, value) VALUES ('probed_at', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: handed_over_from
SELECT value FROM meta WHERE key = 'handed_over_from';

-- name: set_handed_over_from
UPDATE meta SET value = ? WHERE key = 'handed_over_from';
