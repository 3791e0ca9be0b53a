-- What waits while the installation is on hold, and when it goes on.

-- name: waiting
SELECT count(*), count(CASE WHEN due_at <= :now OR due_at = :blocked THEN 1 END) FROM queue;

-- What is due, and what a release that was cut off gave a time by `until`: its delivery was last changed in one of the
-- moments at which those began. There is no index by delivery: each part looks at the whole queue.
-- name: due
SELECT endpoint_id, due_at, delivery_id FROM queue
WHERE delivery_id > :after AND (due_at <= :now OR (due_at <= :until AND EXISTS (
  SELECT 1 FROM deliveries WHERE deliveries.id = queue.delivery_id AND deliveries.updated_at IN (SELECT value::bigint FROM json_array_elements_text(:began::json))
))) ORDER BY delivery_id LIMIT :limit;

-- Whoever sends it again or cancels it in this moment comes first.
-- name: postpone
WITH later (id, was_due_at, due_at, now) AS (:rows(bigint, bigint, bigint, bigint))
UPDATE deliveries SET next_attempt_at = later.due_at, updated_at = later.now
FROM later WHERE deliveries.id = later.id AND deliveries.next_attempt_at = later.was_due_at
  AND deliveries.state IN ('pending', 'retrying');

-- name: move
WITH later (endpoint_id, was_due_at, delivery_id, due_at) AS (:rows(bigint, bigint, bigint, bigint))
UPDATE queue SET due_at = later.due_at
FROM later WHERE queue.endpoint_id = later.endpoint_id AND queue.due_at = later.was_due_at
  AND queue.delivery_id = later.delivery_id;
