-- Partitions: one for each day, made ahead, dropped whole when the day is past its retention.

-- name: ensure
SELECT count(*) FROM unnest(ARRAY['events', 'deliveries', 'attempts', 'attempt_details', 'events_by_asset']) parent
WHERE reelhook_partition(parent, :low, :high);

-- Retention is the work of one node at a time; the others look again later.
-- name: lock_retention
SELECT pg_try_advisory_xact_lock(1919247725);

-- name: past
SELECT parent, low, high FROM partitions
WHERE (parent IN ('attempts', 'attempt_details') AND high <= :kept) OR (parent = 'deliveries' AND high <= :bound)
ORDER BY parent, low LIMIT 1;

-- name: drop
SELECT reelhook_drop(:parent, :low);

-- name: drop_events
SELECT reelhook_drop_events(:low, :high, :kept);

-- name: lacking
SELECT EXISTS (SELECT 1 FROM events_to_index);

-- Some events whose assets are not in the index yet; other nodes take others.
-- name: take_events
DELETE FROM events_to_index WHERE id IN (
  SELECT id FROM events_to_index ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED) RETURNING id;

-- name: event_data
SELECT app_id, id, data FROM events WHERE id IN (SELECT value::bigint FROM json_array_elements_text(:ids::text::json));
