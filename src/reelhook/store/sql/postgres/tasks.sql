-- Tasks, and the deliveries that they move on. What finds deliveries returns (id, app_id, endpoint_id, event_id, state)
-- in the order of ids and looks at no more than :budget rows.

-- name: get
SELECT document FROM tasks WHERE id = ? AND app_id = ?;

-- Of two nodes that step the same task, the second sees the cursor that the first has stored.
-- name: lock
SELECT document FROM tasks WHERE id = ? AND app_id = ? FOR UPDATE;

-- name: page
SELECT document FROM tasks WHERE app_id = ? AND id < ? ORDER BY id DESC LIMIT ?;

-- name: unfinished
SELECT document FROM tasks WHERE state IN ('queued', 'running') ORDER BY id;

-- name: add
INSERT INTO tasks (id, app_id, state, document) VALUES (?, ?, ?, ?);

-- name: put
UPDATE tasks SET state = ?, document = ? WHERE id = ?;

-- name: unhappy
SELECT id, app_id, endpoint_id, event_id, state FROM deliveries
WHERE endpoint_id = :endpoint_id AND state IN ('failed', 'cancelled') AND id > :after ORDER BY id LIMIT :budget;

-- name: of_endpoint
SELECT d.id, d.app_id, d.endpoint_id, d.event_id, d.state
FROM deliveries_by_endpoint i JOIN deliveries d ON d.id = i.id
WHERE i.endpoint_id = :endpoint_id AND i.id > :after AND i.id <= :until ORDER BY i.id LIMIT :budget;

-- The tail that is not indexed yet: rows of every endpoint.
-- name: of_any
SELECT id, app_id, endpoint_id, event_id, state FROM deliveries WHERE id > :after ORDER BY id LIMIT :budget;

-- name: of_event
SELECT d.id, d.app_id, d.endpoint_id, d.event_id, d.state
FROM events e JOIN deliveries d ON d.id > e.id AND d.id <= e.id + e.deliveries
WHERE e.id = :event_id AND d.id > :after
UNION ALL
SELECT d.id, d.app_id, d.endpoint_id, d.event_id, d.state
FROM later_deliveries l JOIN deliveries d ON d.id = l.delivery_id
WHERE l.event_id = :event_id AND l.delivery_id > :after
ORDER BY 1 LIMIT :budget;

-- name: endpoint_document
SELECT v.document FROM endpoints e JOIN endpoint_versions v ON v.endpoint_id = e.id AND v.version = e.version
WHERE e.id = ? AND e.app_id = ? AND e.removed_at IS NULL;

-- What a task has found, as it is now, inside the transaction that moves it; locked, so that no claim of another node
-- comes between this and what follows.
-- name: movable
SELECT d.id, d.endpoint_id, d.state, d.lane, d.next_attempt_at
FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN deliveries d ON d.id = chosen.value
JOIN endpoints p ON p.id = d.endpoint_id AND p.removed_at IS NULL
ORDER BY d.id FOR UPDATE OF d;

-- name: dequeue
DELETE FROM queue WHERE (endpoint_id, due_at, delivery_id) IN (
  SELECT d.endpoint_id, d.next_attempt_at, d.id
  FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN deliveries d ON d.id = chosen.value
  WHERE d.state IN ('pending', 'retrying'));

-- What waits behind its predecessor in a lane (`next_attempt_at` NULL) keeps waiting.
-- name: restart
UPDATE deliveries SET state = 'pending', step = 0, rescues = 0, trigger = :trigger, next_attempt_at = :due_at,
  updated_at = :now
WHERE id IN (SELECT value::bigint FROM json_array_elements_text(:ids::json));

-- name: enqueue
INSERT INTO queue (endpoint_id, due_at, delivery_id)
SELECT d.endpoint_id, :due_at, d.id FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN deliveries d ON d.id = chosen.value;

-- name: set_position
UPDATE deliveries SET position = ? WHERE id = ?;
