-- The hot path: accept and record. `:rows` stands for as many rows of values as there are.

-- The index by asset is filled later, out of `events_to_index`: no watermark can say what it lacks.
-- name: insert_events
WITH made AS (
  INSERT INTO events (id, app_id, type, given_id, occurred_at, accepted_at, ordering_key, source, data, deliveries)
  :rows(bigint, text, text, text, bigint, bigint, text, text, bytea, integer) RETURNING id)
INSERT INTO events_to_index (id) SELECT id FROM made;

-- The type stands with the delivery, for a real index by type.
-- name: insert_deliveries
WITH made (id, app_id, event_id, endpoint_id, state, attempts, step, rescues, trigger, claim_id, next_attempt_at,
           updated_at, lane, position) AS (
  :rows(bigint, text, bigint, bigint, text, integer, integer, integer, text, bigint, bigint, bigint, text, bigint))
INSERT INTO deliveries (id, app_id, event_id, endpoint_id, state, attempts, step, rescues, trigger, claim_id,
                        next_attempt_at, updated_at, lane, position, event_type)
SELECT made.*, events.type FROM made JOIN events ON events.id = made.event_id;

-- What is tried again after a commit whose outcome was unknown may be there already.
-- name: insert_queue
INSERT INTO queue (endpoint_id, due_at, delivery_id)
:rows(bigint, bigint, bigint) ON CONFLICT DO NOTHING;

-- Another node may have stored a key since it was looked for, so it is written and made sure of at once (accepting.sql).
-- name: insert_keys
;

-- name: recall_key
SELECT fingerprint, answer, event_id FROM keys WHERE app_id = ? AND kind = ? AND key = ? AND expires_at > ?;

-- As `insert_queue`: an attempt may be there already.
-- name: insert_attempts
INSERT INTO attempts (id, app_id, delivery_id, event_id, event_given_id, event_type, event_name, endpoint_id,
                      endpoint_version, number, at, succeeded, status_code, failure, error, trigger, duration_ms,
                      previous_id)
:rows(bigint, text, bigint, bigint, text, text, text, bigint, bigint, integer, bigint, smallint, integer, text, text,
      text, double precision, bigint) ON CONFLICT (id) DO NOTHING;

-- As `insert_queue`: an attempt may be there already.
-- name: insert_attempt_details
INSERT INTO attempt_details (id, head, prefix, suffix, body, response_head, response_body, truncated, timing,
                             remote_address, replayed, renewed)
:rows(bigint, bytea, bytea, bytea, bytea, bytea, bytea, smallint, bytea, text, smallint, smallint)
ON CONFLICT (id) DO NOTHING;

-- A completion counts only with the claim's own claim_id.
-- name: complete
WITH done (id, claim_id, state, step, rescues, next_attempt_at, now, delivered_at, attempt_id) AS (:rows(bigint, bigint, text, integer, integer, bigint, bigint, bigint, bigint))
UPDATE deliveries SET state = done.state, step = done.step, rescues = done.rescues, claim_id = NULL,
  next_attempt_at = done.next_attempt_at, updated_at = done.now,
  delivered_at = coalesce(done.delivered_at, deliveries.delivered_at), last_attempt_id = done.attempt_id,
  trigger = 'schedule'
FROM done WHERE deliveries.id = done.id AND deliveries.claim_id = done.claim_id;

-- After `complete` changed fewer rows than it was given: which ones it did change.
-- name: completed
WITH done (id, attempt_id) AS (:rows(bigint, bigint))
SELECT done.id FROM done JOIN deliveries ON deliveries.id = done.id AND deliveries.last_attempt_id = done.attempt_id;

-- There is no table of claims: an index holds what is being sent.
-- name: delete_claims
;

-- name: add_rollups
INSERT INTO rollups (endpoint_id, minute, measure, count)
:rows(bigint, bigint, integer, bigint)
ON CONFLICT (endpoint_id, minute, measure) DO UPDATE SET count = rollups.count + excluded.count;

-- `reset` is 1 when a success was seen: then what failed before it no longer counts.
-- name: note_health
WITH seen (endpoint_id, reset, failing_since, success_at, failure_at, exhausted_at) AS (:rows(bigint, smallint, bigint, bigint, bigint, bigint))
INSERT INTO endpoint_health (endpoint_id, failing_since, last_success_at, last_failure_at, exhausted_at)
SELECT endpoint_id, failing_since, success_at, failure_at, exhausted_at FROM seen WHERE true
ON CONFLICT (endpoint_id) DO UPDATE SET
  failing_since = CASE WHEN excluded.last_success_at IS NOT NULL THEN excluded.failing_since
                       ELSE coalesce(endpoint_health.failing_since, excluded.failing_since) END,
  exhausted_at = CASE WHEN excluded.last_success_at IS NOT NULL THEN excluded.exhausted_at
                      ELSE coalesce(excluded.exhausted_at, endpoint_health.exhausted_at) END,
  last_success_at = coalesce(excluded.last_success_at, endpoint_health.last_success_at),
  last_failure_at = coalesce(excluded.last_failure_at, endpoint_health.last_failure_at);

-- Writes one page, and fails while the disk is full. (A value that stays the same would not be written.)
-- name: touch
INSERT INTO meta (key, value) VALUES ('probed_at', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- Nor is there a mark of what was handed over.
-- name: handed_over_from
SELECT 9223372036854775807;

-- Nor is there a mark of what was handed over.
-- name: set_handed_over_from
;
