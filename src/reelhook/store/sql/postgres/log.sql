-- Reads the log. A page is found in two steps: first ids, newest first, `:low` <= id < `:below`, through the narrowest
-- index and with all filters; then the lines of these few ids. `:filters` stands for the filters of the table, which
-- are written once; a parameter that is NULL filters nothing.

-- name: attempts_filters
a.app_id = :app_id
AND (:endpoint_id::bigint IS NULL OR a.endpoint_id = :endpoint_id)
AND (:event_type::text IS NULL OR a.event_type = :event_type)
AND (:succeeded::smallint IS NULL OR a.succeeded = :succeeded)
AND (:status_code::bigint IS NULL OR a.status_code = :status_code::bigint)
AND (:events::text IS NULL OR a.event_id IN (SELECT value::bigint FROM json_array_elements_text(:events::text::json)))
AND (:asset::text IS NULL OR a.event_id IN (SELECT value::bigint FROM json_array_elements_text(:asset_tail::json)) OR EXISTS (
  SELECT 1 FROM events_by_asset x WHERE x.app_id = :app_id AND x.asset = :asset AND x.id = a.event_id))
AND (:any_endpoint::text IS NULL OR a.endpoint_id IN (SELECT value::bigint FROM json_array_elements_text(:any_endpoint::text::json))
  OR a.event_type IN (SELECT value FROM json_array_elements_text(:any_type::json)))

-- name: deliveries_filters
d.app_id = :app_id
AND (:endpoint_id::bigint IS NULL OR d.endpoint_id = :endpoint_id)
AND (:state::text IS NULL OR d.state = :state)
AND (:event_type::text IS NULL OR EXISTS (SELECT 1 FROM events e WHERE e.id = d.event_id AND e.type = :event_type))
AND (:succeeded::smallint IS NULL OR EXISTS (
  SELECT 1 FROM attempts a WHERE a.id = d.last_attempt_id AND a.succeeded = :succeeded))
AND (:status_code::bigint IS NULL OR EXISTS (
  SELECT 1 FROM attempts a WHERE a.id = d.last_attempt_id AND a.status_code = :status_code::bigint))
AND (:events::text IS NULL OR d.event_id IN (SELECT value::bigint FROM json_array_elements_text(:events::text::json)))
AND (:asset::text IS NULL OR d.event_id IN (SELECT value::bigint FROM json_array_elements_text(:asset_tail::json)) OR EXISTS (
  SELECT 1 FROM events_by_asset x WHERE x.app_id = :app_id AND x.asset = :asset AND x.id = d.event_id))
AND (:any_endpoint::text IS NULL OR d.endpoint_id IN (SELECT value::bigint FROM json_array_elements_text(:any_endpoint::text::json))
  OR EXISTS (SELECT 1 FROM events e WHERE e.id = d.event_id
             AND e.type IN (SELECT value FROM json_array_elements_text(:any_type::json))))

-- name: events_filters
e.app_id = :app_id
AND (:event_type::text IS NULL OR e.type = :event_type)
AND (:events::text IS NULL OR e.id IN (SELECT value::bigint FROM json_array_elements_text(:events::text::json)))
AND (:asset::text IS NULL OR e.id IN (SELECT value::bigint FROM json_array_elements_text(:asset_tail::json)) OR EXISTS (
  SELECT 1 FROM events_by_asset x WHERE x.app_id = :app_id AND x.asset = :asset AND x.id = e.id))
AND (:endpoint_id::bigint IS NULL AND :state::text IS NULL OR EXISTS (
  SELECT 1 FROM deliveries d WHERE d.id > e.id AND d.id <= e.id + e.deliveries
  AND (:endpoint_id::bigint IS NULL OR d.endpoint_id = :endpoint_id) AND (:state::text IS NULL OR d.state = :state)))
AND (:any_endpoint::text IS NULL OR e.type IN (SELECT value FROM json_array_elements_text(:any_type::json)) OR EXISTS (
  SELECT 1 FROM deliveries d WHERE d.id > e.id AND d.id <= e.id + e.deliveries
  AND d.endpoint_id IN (SELECT value::bigint FROM json_array_elements_text(:any_endpoint::text::json))))

-- Each `…_depth` says down to which id the search beside it may go when it looks at no more than :budget rows.

-- name: attempts_between
SELECT a.id FROM attempts a WHERE a.id >= :low AND a.id < :below AND :filters ORDER BY a.id DESC LIMIT :limit;

-- name: attempts_between_depth
SELECT id FROM attempts WHERE id >= :low AND id < :below ORDER BY id DESC LIMIT 1 OFFSET :budget;

-- name: attempts_failed
SELECT a.id FROM attempts a
WHERE a.app_id = :app_id AND a.succeeded = 0 AND a.id >= :low AND a.id < :below AND :filters
ORDER BY a.id DESC LIMIT :limit;

-- name: attempts_failed_depth
SELECT id FROM attempts
WHERE app_id = :app_id AND succeeded = 0 AND id >= :low AND id < :below ORDER BY id DESC LIMIT 1 OFFSET :budget;

-- name: attempts_failed_of_endpoint
SELECT a.id FROM attempts a
WHERE a.endpoint_id = :endpoint_id AND a.succeeded = 0 AND a.id >= :low AND a.id < :below AND :filters
ORDER BY a.id DESC LIMIT :limit;

-- name: attempts_failed_of_endpoint_depth
SELECT id FROM attempts
WHERE endpoint_id = :endpoint_id AND succeeded = 0 AND id >= :low AND id < :below
ORDER BY id DESC LIMIT 1 OFFSET :budget;

-- name: attempts_of_status
SELECT a.id FROM attempts a
WHERE a.app_id = :app_id AND a.status_code = :status_code::bigint AND a.status_code NOT BETWEEN 200 AND 299
AND a.id >= :low AND a.id < :below AND :filters ORDER BY a.id DESC LIMIT :limit;

-- name: attempts_of_status_depth
SELECT id FROM attempts
WHERE app_id = :app_id AND status_code = :status_code::bigint AND status_code NOT BETWEEN 200 AND 299
AND id >= :low AND id < :below ORDER BY id DESC LIMIT 1 OFFSET :budget;

-- name: attempts_among
SELECT a.id FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN attempts a ON a.id = chosen.value
WHERE a.id >= :low AND a.id < :below AND :filters ORDER BY a.id DESC LIMIT :limit;

-- name: deliveries_between
SELECT d.id FROM deliveries d WHERE d.id >= :low AND d.id < :below AND :filters ORDER BY d.id DESC LIMIT :limit;

-- name: deliveries_between_depth
SELECT id FROM deliveries WHERE id >= :low AND id < :below ORDER BY id DESC LIMIT 1 OFFSET :budget;

-- name: deliveries_among
SELECT d.id FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN deliveries d ON d.id = chosen.value
WHERE d.id >= :low AND d.id < :below AND :filters ORDER BY d.id DESC LIMIT :limit;

-- name: events_between
SELECT e.id FROM events e WHERE e.id >= :low AND e.id < :below AND :filters ORDER BY e.id DESC LIMIT :limit;

-- name: events_between_depth
SELECT id FROM events WHERE id >= :low AND id < :below ORDER BY id DESC LIMIT 1 OFFSET :budget;

-- name: events_among
SELECT e.id FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN events e ON e.id = chosen.value
WHERE e.id >= :low AND e.id < :below AND :filters ORDER BY e.id DESC LIMIT :limit;

-- The last attempts at one endpoint; the index holds all of them.
-- name: recent
SELECT at, duration_ms, status_code, failure FROM attempts
WHERE endpoint_id = :endpoint_id AND id >= :low ORDER BY id DESC LIMIT :limit;

-- Streams of ids, newest first, out of the indexes that are filled in arrears.

-- name: attempts_by_endpoint
SELECT id FROM attempts_by_endpoint
WHERE endpoint_id = :key AND id >= :low AND id < :below ORDER BY id DESC LIMIT :limit;

-- name: attempts_by_type
SELECT id FROM attempts_by_type
WHERE app_id = :app_id AND event_type = :key AND id >= :low AND id < :below ORDER BY id DESC LIMIT :limit;

-- name: deliveries_by_endpoint
SELECT id FROM deliveries_by_endpoint
WHERE endpoint_id = :key AND id >= :low AND id < :below ORDER BY id DESC LIMIT :limit;

-- name: deliveries_by_type
SELECT id FROM deliveries_by_type
WHERE app_id = :app_id AND event_type = :key AND id >= :low AND id < :below ORDER BY id DESC LIMIT :limit;

-- name: events_by_type
SELECT id FROM events_by_type
WHERE app_id = :app_id AND event_type = :key AND id >= :low AND id < :below ORDER BY id DESC LIMIT :limit;

-- Live, like the ones of failed attempts.
-- name: deliveries_unhappy
SELECT id FROM deliveries
WHERE endpoint_id = :key AND state IN ('failed', 'cancelled') AND id >= :low AND id < :below
ORDER BY id DESC LIMIT :limit;

-- name: deliveries_waiting
SELECT q.delivery_id FROM endpoints e JOIN queue q ON q.endpoint_id = e.id
WHERE e.app_id = :app_id AND (:endpoint_id::bigint IS NULL OR e.id = :endpoint_id) LIMIT :limit;

-- Loose index scans: one seek for each type that an app has.

-- name: attempt_types
WITH RECURSIVE each (event_type) AS (
  SELECT min(event_type) FROM attempts_by_type WHERE app_id = :app_id
  UNION ALL
  SELECT (SELECT min(event_type) FROM attempts_by_type WHERE app_id = :app_id AND event_type > each.event_type)
  FROM each WHERE each.event_type IS NOT NULL
)
SELECT event_type FROM each WHERE event_type IS NOT NULL LIMIT :limit;

-- name: delivery_types
WITH RECURSIVE each (event_type) AS (
  SELECT min(event_type) FROM deliveries_by_type WHERE app_id = :app_id
  UNION ALL
  SELECT (SELECT min(event_type) FROM deliveries_by_type WHERE app_id = :app_id AND event_type > each.event_type)
  FROM each WHERE each.event_type IS NOT NULL
)
SELECT event_type FROM each WHERE event_type IS NOT NULL LIMIT :limit;

-- name: event_types
WITH RECURSIVE each (event_type) AS (
  SELECT min(event_type) FROM events_by_type WHERE app_id = :app_id
  UNION ALL
  SELECT (SELECT min(event_type) FROM events_by_type WHERE app_id = :app_id AND event_type > each.event_type)
  FROM each WHERE each.event_type IS NOT NULL
)
SELECT event_type FROM each WHERE event_type IS NOT NULL LIMIT :limit;

-- name: tail_types
SELECT DISTINCT e.type FROM events_to_index i JOIN events e ON e.id = i.id WHERE e.app_id = :app_id LIMIT :budget;

-- The attempts of a delivery are a chain, from the last one back. Most have no predecessor, so that the planner would
-- rather read all attempts once than look for each: `LATERAL` with a limit leaves it no choice.
-- name: attempts_of_deliveries
WITH RECURSIVE chain (id) AS (
  SELECT d.last_attempt_id FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN deliveries d ON d.id = chosen.value
  WHERE d.app_id = :app_id AND d.last_attempt_id IS NOT NULL
  UNION ALL
  SELECT before.previous_id FROM chain CROSS JOIN LATERAL (
    SELECT a.previous_id FROM attempts a WHERE a.id = chain.id AND a.previous_id IS NOT NULL LIMIT 1) before
)
SELECT id FROM chain LIMIT :limit;

-- name: deliveries_of_events
SELECT d.id FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN events e ON e.id = chosen.value
JOIN deliveries d ON d.id > e.id AND d.id <= e.id + e.deliveries
UNION ALL
SELECT l.delivery_id FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN later_deliveries l ON l.event_id = chosen.value
LIMIT :limit;

-- What text is resolved to.

-- name: event_of_key
SELECT event_id FROM keys WHERE app_id = :app_id AND kind = 'event' AND key = :text;

-- name: event_exists
SELECT EXISTS (SELECT 1 FROM events WHERE id = :id AND app_id = :app_id);

-- name: event_of_delivery
SELECT event_id FROM deliveries WHERE id = :id AND app_id = :app_id;

-- name: attempt_ids
SELECT event_id, delivery_id FROM attempts WHERE id = :id AND app_id = :app_id;

-- name: events_of_asset
SELECT id FROM events_by_asset WHERE app_id = :app_id AND asset = :text ORDER BY id DESC LIMIT :limit;

-- name: tail_events
SELECT e.id, e.data FROM events_to_index i JOIN events e ON e.id = i.id WHERE e.app_id = :app_id ORDER BY e.id DESC LIMIT :budget;

-- name: endpoints_like
SELECT e.id FROM endpoints e JOIN endpoint_versions v ON v.endpoint_id = e.id AND v.version = e.version
WHERE e.app_id = :app_id AND e.removed_at IS NULL
AND (strpos(lower(v.name), lower(:text)) > 0 OR strpos(lower(v.url), lower(:text)) > 0) LIMIT :limit;

-- name: endpoint_ids
SELECT id FROM endpoints WHERE app_id = :app_id LIMIT :limit;

-- name: other_apps
SELECT EXISTS (SELECT 1 FROM apps WHERE id <> :app_id);

-- Lines, newest first.

-- An attempt that no process lived to finish cites no version: the current name and URL stand for it.
-- name: attempt_lines
SELECT a.id, a.app_id, a.delivery_id, a.event_id, a.event_given_id, a.event_type, a.event_name, a.endpoint_id, v.name,
       v.url, a.number, a.at, a.succeeded, a.status_code, a.failure, a.error, a.duration_ms, a.trigger
FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN attempts a ON a.id = chosen.value
LEFT JOIN endpoints p ON p.id = a.endpoint_id
LEFT JOIN endpoint_versions v ON v.endpoint_id = a.endpoint_id
  AND v.version = CASE a.endpoint_version WHEN 0 THEN p.version ELSE a.endpoint_version END
WHERE a.app_id = :app_id ORDER BY a.id DESC;

-- name: attempt_details
SELECT t.head, t.prefix, t.suffix, t.body, e.data, t.response_head, t.response_body, t.truncated, t.timing,
       t.remote_address, t.replayed, t.renewed
FROM attempts a JOIN attempt_details t ON t.id = a.id LEFT JOIN events e ON e.id = a.event_id
WHERE a.id = :id AND a.app_id = :app_id;

-- name: delivery_lines
SELECT d.id, d.app_id, d.event_id, e.given_id, e.type, d.endpoint_id, d.state, d.attempts, d.next_attempt_at,
       d.updated_at, d.delivered_at
FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN deliveries d ON d.id = chosen.value LEFT JOIN events e ON e.id = d.event_id
WHERE d.app_id = :app_id ORDER BY d.id DESC;

-- name: event_lines
SELECT e.id, e.app_id, e.type, e.data, e.occurred_at, e.accepted_at, e.given_id, e.ordering_key, e.source
FROM (SELECT value::bigint AS value FROM json_array_elements_text(:ids::json)) chosen JOIN events e ON e.id = chosen.value
WHERE e.app_id = :app_id ORDER BY e.id DESC;
