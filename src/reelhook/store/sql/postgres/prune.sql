-- Deletes what is past its retention, by ranges of ids, and cancels what nobody will send any more.

-- Attempts, events and deliveries go with their partitions (partitions.sql). Row by row goes only what stands in the
-- default partitions: what belongs to no day there was a partition for, or was kept longer than its day.
-- name: old_attempts
SELECT count(*), max(id) FROM (SELECT id FROM attempts_default WHERE id < :bound ORDER BY id LIMIT :limit) old;

-- The indexes by endpoint and type are real ones.
-- name: delete_attempts_by_endpoint
;

-- The indexes by endpoint and type are real ones.
-- name: delete_attempts_by_type
;

-- name: delete_attempt_details
DELETE FROM attempt_details_default WHERE id <= :until;

-- name: delete_attempts
DELETE FROM attempts_default WHERE id <= :until;

-- An event stays while a delivery of it is open, or an attempt of one is kept that needs the event's data to be shown.
-- (`EXISTS` the planner may answer with a hash of all deliveries; of a row that is asked for it looks into the index.)
-- name: old_events
SELECT e.id, coalesce((
  SELECT true FROM deliveries d WHERE d.id > e.id AND d.id <= e.id + e.deliveries
  AND (d.state IN ('pending', 'sending', 'retrying') OR d.last_attempt_id >= :kept) LIMIT 1
), (
  SELECT true FROM later_deliveries l JOIN deliveries d ON d.id = l.delivery_id WHERE l.event_id = e.id
  AND (d.state IN ('pending', 'sending', 'retrying') OR d.last_attempt_id >= :kept) LIMIT 1
), false) FROM events_default e WHERE e.id > :after AND e.id < :bound ORDER BY e.id LIMIT :limit;

-- The same, of the ones chosen, inside the transaction that deletes them.
-- name: still_old_events
SELECT e.id FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN events e ON e.id = chosen.value
WHERE (
  SELECT 1 FROM deliveries d WHERE d.id > e.id AND d.id <= e.id + e.deliveries
  AND (d.state IN ('pending', 'sending', 'retrying') OR d.last_attempt_id >= :kept) LIMIT 1
) IS NULL AND (
  SELECT 1 FROM later_deliveries l JOIN deliveries d ON d.id = l.delivery_id WHERE l.event_id = e.id
  AND (d.state IN ('pending', 'sending', 'retrying') OR d.last_attempt_id >= :kept) LIMIT 1
) IS NULL;

-- name: deliveries_of_events
SELECT d.id FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN events e ON e.id = chosen.value
JOIN deliveries d ON d.id > e.id AND d.id <= e.id + e.deliveries
UNION ALL
SELECT d.id FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN later_deliveries l ON l.event_id = chosen.value
JOIN deliveries d ON d.id = l.delivery_id
LIMIT :limit;

-- The indexes by endpoint and type are real ones.
-- name: delete_deliveries_by_endpoint
;

-- The indexes by endpoint and type are real ones.
-- name: delete_deliveries_by_type
;

-- name: delete_later_deliveries
DELETE FROM later_deliveries WHERE (event_id, delivery_id) IN (
  SELECT d.event_id, d.id FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN deliveries d ON d.id = chosen.value);

-- name: delete_deliveries
DELETE FROM deliveries WHERE id IN (SELECT value::bigint FROM json_array_elements_text(:ids::json));

-- Events of which no delivery is left.
-- name: bare_events
SELECT e.app_id, e.type, e.id, e.data FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN events e ON e.id = chosen.value
WHERE (SELECT 1 FROM deliveries d WHERE d.id > e.id AND d.id <= e.id + e.deliveries LIMIT 1) IS NULL
  AND NOT EXISTS (SELECT 1 FROM later_deliveries l WHERE l.event_id = e.id);

-- The indexes by endpoint and type are real ones.
-- name: delete_events_by_type
;

-- name: delete_events_by_asset
DELETE FROM events_by_asset WHERE (app_id, asset, id) IN (:rows(text, text, bigint));

-- What is gone is not indexed any more either.
-- name: delete_events
WITH gone AS (SELECT value::bigint AS id FROM json_array_elements_text(:ids::json)),
  unindexed AS (DELETE FROM events_to_index WHERE id IN (SELECT id FROM gone))
DELETE FROM events WHERE id IN (SELECT id FROM gone);

-- name: old_keys
SELECT app_id, kind, key FROM keys WHERE expires_at < :now ORDER BY expires_at LIMIT :limit;

-- name: delete_keys
DELETE FROM keys WHERE (app_id, kind, key) IN (:rows(text, text, text));

-- name: old_rollups
SELECT r.endpoint_id, r.minute, r.measure
FROM endpoints e JOIN rollups r ON r.endpoint_id = e.id AND r.minute < :minute LIMIT :limit;

-- name: delete_rollups
DELETE FROM rollups WHERE (endpoint_id, minute, measure) IN (:rows(bigint, bigint, integer));

-- name: old_tasks
SELECT id FROM tasks WHERE id < :bound AND state NOT IN ('queued', 'running') ORDER BY id LIMIT :limit;

-- name: delete_tasks
DELETE FROM tasks WHERE id IN (:rows(bigint));

-- name: old_tellings
SELECT endpoint_id, event_name, asset, occurred_at FROM tellings
WHERE expires_at < :now ORDER BY expires_at LIMIT :limit;

-- name: delete_tellings
DELETE FROM tellings WHERE (endpoint_id, event_name, asset, occurred_at) IN (:rows(bigint, text, text, bigint));

-- name: contexts_of_nobody
SELECT c.app_id, c.asset FROM removed_apps r JOIN contexts c ON c.app_id = r.id LIMIT :limit;

-- name: delete_contexts
DELETE FROM contexts WHERE (app_id, asset) IN (:rows(text, text));

-- name: old_audit
SELECT id FROM audit WHERE id < :audit_bound ORDER BY id LIMIT :limit;

-- name: delete_audit
DELETE FROM audit WHERE id IN (:rows(bigint));

-- A version that was followed by another one so long ago that no attempt which cites it is kept.
-- name: old_versions
SELECT v.endpoint_id, v.version
FROM endpoints e JOIN endpoint_versions v ON v.endpoint_id = e.id AND v.version < e.version
JOIN endpoint_versions n ON n.endpoint_id = e.id AND n.version = v.version + 1
WHERE n.made_at < :long_before LIMIT :limit;

-- name: delete_versions
DELETE FROM endpoint_versions WHERE (endpoint_id, version) IN (:rows(bigint, bigint));

-- Endpoints that were removed long ago and that nothing kept speaks of any more.
-- name: old_endpoints
SELECT e.id FROM endpoints e
WHERE e.removed_at < :long_before
  AND NOT EXISTS (SELECT 1 FROM queue WHERE endpoint_id = e.id)
  AND NOT EXISTS (SELECT 1 FROM rollups WHERE endpoint_id = e.id)
  AND NOT EXISTS (SELECT 1 FROM attempts_by_endpoint WHERE endpoint_id = e.id)
  AND NOT EXISTS (SELECT 1 FROM deliveries_by_endpoint WHERE endpoint_id = e.id)
LIMIT :limit;

-- name: delete_all_versions
DELETE FROM endpoint_versions WHERE endpoint_id IN (:rows(bigint));

-- name: delete_health
DELETE FROM endpoint_health WHERE endpoint_id IN (:rows(bigint));

-- name: delete_ordered
DELETE FROM ordered WHERE endpoint_id IN (:rows(bigint));

-- name: delete_endpoints
DELETE FROM endpoints WHERE id IN (:rows(bigint));

-- name: waiting_for_nobody
SELECT q.delivery_id FROM endpoints e JOIN queue q ON q.endpoint_id = e.id
WHERE e.removed_at IS NOT NULL LIMIT :limit;

-- A part of the queue, in its own order, with what is too old in it marked: made before :bound, not tried since, and
-- not resent since :before either. (`updated_at` alone will not do: it moves when the one before leaves the lane.)
-- name: waiting
SELECT q.endpoint_id, q.due_at, q.delivery_id, q.delivery_id < :bound AND coalesce((
  SELECT coalesce(d.last_attempt_id, 0) < :bound AND (d.trigger = 'schedule' OR d.updated_at < :before)
  FROM deliveries d WHERE d.id = q.delivery_id), false)
FROM queue q WHERE (q.endpoint_id, q.due_at, q.delivery_id) > (:endpoint_id, :due_at, :delivery_id)
ORDER BY q.endpoint_id, q.due_at, q.delivery_id LIMIT :limit;

-- Locked, so that no claim of another node comes between this and what follows.
-- name: cancellable
SELECT d.id, d.endpoint_id, d.lane FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN deliveries d ON d.id = chosen.value
WHERE d.state IN ('pending', 'retrying') ORDER BY d.id FOR UPDATE OF d;

-- name: dequeue
DELETE FROM queue WHERE (endpoint_id, due_at, delivery_id) IN (
  SELECT d.endpoint_id, coalesce(d.next_attempt_at, 4611686018427387904), d.id
  FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN deliveries d ON d.id = chosen.value
  WHERE d.state IN ('pending', 'retrying'));

-- name: cancel
UPDATE deliveries SET state = 'cancelled', next_attempt_at = NULL, updated_at = :now
WHERE id IN (SELECT value::bigint FROM json_array_elements_text(:ids::json)) AND state IN ('pending', 'retrying');
