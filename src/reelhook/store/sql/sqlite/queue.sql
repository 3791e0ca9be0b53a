-- What waits, and what is taken from it. A row of `queue` exists if and only if its delivery is pending or retrying.

-- name: next_due
SELECT min(due_at) FROM queue WHERE endpoint_id = ? AND due_at < 4611686018427387904;

-- A loose index scan: one seek for each endpoint that has anything waiting, and one for each of these shards (all, where
-- that is NULL). An endpoint has no row that is due when all of its heads are being sent.
-- name: waiting
WITH RECURSIVE each (endpoint_id) AS (
  SELECT min(endpoint_id) FROM queue
  UNION ALL
  SELECT (SELECT min(endpoint_id) FROM queue WHERE endpoint_id > each.endpoint_id) FROM each
  WHERE each.endpoint_id IS NOT NULL
), first (endpoint_id, due_at) AS (
  SELECT endpoint_id, (SELECT min(due_at) FROM queue WHERE queue.endpoint_id = each.endpoint_id) FROM each
  WHERE endpoint_id IS NOT NULL AND (:shards IS NULL OR endpoint_id % 1000003 * 7919 % 256 IN (
    SELECT value FROM json_each(:shards)))
)
SELECT endpoint_id, due_at FROM first WHERE due_at < 4611686018427387904;

-- What waits first; of what is not due at :due only when it is.
-- name: due
SELECT q.due_at, d.id, d.attempts, d.step, d.trigger, d.rescues, d.last_attempt_id, d.lane,
       e.id, e.app_id, e.type, e.data, e.occurred_at, e.accepted_at, e.given_id, e.ordering_key, e.source
FROM queue q LEFT JOIN deliveries d ON d.id = q.delivery_id AND q.due_at <= :due LEFT JOIN events e ON e.id = d.event_id
WHERE q.endpoint_id = :endpoint_id AND q.due_at < 4611686018427387904 ORDER BY q.due_at, q.delivery_id LIMIT :most;

-- `due` tells a delivery that was resent since it was found: its row in the queue is another one now.
-- name: claim
WITH taken (id, claim_id, now, due) AS (VALUES :rows)
UPDATE deliveries SET state = 'sending', attempts = attempts + 1, claim_id = taken.claim_id, next_attempt_at = NULL,
  updated_at = taken.now
FROM taken WHERE deliveries.id = taken.id AND deliveries.state IN ('pending', 'retrying')
  AND deliveries.next_attempt_at = taken.due;

-- After `claim` changed fewer rows than it was given: which ones are ours.
-- name: claimed
WITH taken (id, claim_id) AS (VALUES :rows)
SELECT taken.id, taken.claim_id
FROM taken JOIN deliveries ON deliveries.id = taken.id AND deliveries.claim_id = taken.claim_id;

-- name: insert_claims
INSERT INTO claims (delivery_id) VALUES :rows;

-- name: delete_queue
DELETE FROM queue WHERE (endpoint_id, due_at, delivery_id) IN (VALUES :rows);

-- name: release
WITH freed (id, claim_id, now) AS (VALUES :rows)
UPDATE deliveries SET state = 'pending', attempts = attempts - 1, claim_id = NULL, next_attempt_at = freed.now,
  updated_at = freed.now
FROM freed WHERE deliveries.id = freed.id AND deliveries.claim_id = freed.claim_id AND deliveries.state = 'sending';

-- After `release` changed fewer rows than it was given: which ones are released, now or by a try before this one.
-- name: released
WITH freed (id, now) AS (VALUES :rows)
SELECT freed.id FROM freed JOIN deliveries ON deliveries.id = freed.id
WHERE deliveries.state = 'pending' AND deliveries.next_attempt_at = freed.now;

-- What a process that is gone left behind: claimed from the queue, or handed over straight from accept; of these shards
-- (all, where that is NULL), in `sending` since before :before.
-- name: orphans
SELECT d.id, d.app_id, d.endpoint_id, d.attempts, d.step, d.rescues, d.trigger, d.last_attempt_id, d.lane,
       d.claim_id, e.id, e.type, e.given_id
FROM (
  SELECT delivery_id AS id FROM claims
  UNION
  SELECT id FROM deliveries
  WHERE id >= (SELECT value FROM meta WHERE key = 'handed_over_from') AND state = 'sending'
) orphan CROSS JOIN deliveries d ON d.id = orphan.id CROSS JOIN events e ON e.id = d.event_id
WHERE d.state = 'sending' AND d.id > :after AND (:before IS NULL OR d.updated_at < :before)
  AND (:shards IS NULL OR d.endpoint_id % 1000003 * 7919 % 256 IN (SELECT value FROM json_each(:shards)))
  AND :epochs IS NULL -- one process owns all shards, so there are none
ORDER BY d.id LIMIT :limit;

-- `retrying`, or `failed` when its interruptions have used up the schedule: then it is due no more.
-- name: rescue
WITH freed (id, claim_id, now, attempt_id, step, rescues, state, due_at) AS (VALUES :rows)
UPDATE deliveries SET state = freed.state, claim_id = NULL, next_attempt_at = freed.due_at, updated_at = freed.now,
  last_attempt_id = freed.attempt_id, step = freed.step, rescues = freed.rescues
FROM freed WHERE deliveries.id = freed.id AND deliveries.claim_id = freed.claim_id AND deliveries.state = 'sending';

-- name: delivery
SELECT id, app_id, event_id, endpoint_id, state, attempts, next_attempt_at, updated_at, delivered_at, lane, position
FROM deliveries WHERE id = ? AND app_id = ?;

-- The same, to be changed: there is one writer.
-- name: delivery_to_change
SELECT id, app_id, event_id, endpoint_id, state, attempts, next_attempt_at, updated_at, delivered_at, lane, position
FROM deliveries WHERE id = ? AND app_id = ?;

-- name: resend
UPDATE deliveries SET state = 'pending', step = 0, rescues = 0, trigger = ?, next_attempt_at = ?, updated_at = ?,
  position = ? WHERE id = ?;

-- name: cancel
UPDATE deliveries SET state = 'cancelled', next_attempt_at = NULL, updated_at = ? WHERE id = ?;

-- name: dequeue
DELETE FROM queue WHERE endpoint_id = ? AND due_at = ? AND delivery_id = ?;

-- name: enqueue
INSERT INTO queue (endpoint_id, due_at, delivery_id) VALUES (?, ?, ?);

-- name: leave_lane
DELETE FROM ordered WHERE endpoint_id = ? AND lane = ? AND position = ?;

-- name: join_lane
INSERT INTO ordered (endpoint_id, lane, position, delivery_id) VALUES (?, ?, ?, ?);

-- name: head_of_lane
SELECT o.delivery_id, d.next_attempt_at, d.state, o.position FROM ordered o JOIN deliveries d ON d.id = o.delivery_id
WHERE o.endpoint_id = ? AND o.lane = ? ORDER BY o.position LIMIT 1;

-- name: position
SELECT position FROM deliveries WHERE id = ?;

-- name: place
UPDATE deliveries SET position = ? WHERE id = ?;

-- name: due_of
SELECT next_attempt_at FROM deliveries WHERE id = ?;

-- name: block
UPDATE deliveries SET next_attempt_at = NULL WHERE id = ?;

-- name: event
SELECT type, given_id FROM events WHERE id = ?;

-- name: set_due
UPDATE deliveries SET next_attempt_at = ?, updated_at = ? WHERE id = ?;

-- The queue holds only what waits, so counting it touches nothing else.
-- name: count_waiting
SELECT count(*), min(CASE WHEN due_at < 4611686018427387904 THEN due_at END) FROM queue;

-- name: endpoint_exists
SELECT 1 FROM endpoints WHERE id = ? AND removed_at IS NULL;

-- A delivery that an event did not have when it was accepted.
-- name: add_delivery
INSERT INTO deliveries (id, app_id, event_id, endpoint_id, state, attempts, step, rescues, trigger, updated_at, lane)
VALUES (?, ?, ?, ?, 'cancelled', 0, 0, 0, 'replay', ?, ?);

-- name: has_delivery
SELECT EXISTS (
  SELECT 1 FROM events e CROSS JOIN deliveries d ON d.id > e.id AND d.id <= e.id + e.deliveries
  WHERE e.id = :event_id AND d.endpoint_id = :endpoint_id
  UNION ALL
  SELECT 1 FROM later_deliveries l CROSS JOIN deliveries d ON d.id = l.delivery_id
  WHERE l.event_id = :event_id AND d.endpoint_id = :endpoint_id);

-- name: add_later
INSERT INTO later_deliveries (event_id, delivery_id) VALUES (?, ?);

-- An endpoint that is not ordered any more: what waits behind a predecessor is due, in the order of the lanes.
-- name: unblock
UPDATE OR REPLACE queue SET due_at = :now WHERE endpoint_id = :endpoint_id AND due_at = 4611686018427387904;

-- name: unblock_deliveries
UPDATE deliveries SET next_attempt_at = coalesce(next_attempt_at, CASE WHEN state IN ('pending', 'retrying') THEN :now END),
  lane = NULL, position = NULL
WHERE id IN (SELECT delivery_id FROM ordered WHERE endpoint_id = :endpoint_id);

-- name: dissolve
DELETE FROM ordered WHERE endpoint_id = :endpoint_id;
