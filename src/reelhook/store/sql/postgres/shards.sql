-- Who is alive, and who owns which shard until when. Times are the database's, so that no two clocks are compared.

-- Held until the end of the transaction: nodes that join at once would choose the same number.
-- name: lock_numbers
SELECT pg_advisory_xact_lock(1919247727);

-- name: join
INSERT INTO nodes (id, number, works, seen_until)
SELECT :node, free.number, :works, now() + make_interval(secs => :lease)
FROM (SELECT candidate AS number FROM generate_series(0, 127) candidate
      WHERE NOT EXISTS (SELECT 1 FROM nodes n WHERE n.number = candidate) ORDER BY candidate LIMIT 1) free
RETURNING number;

-- A node that has been gone for so long makes no ids any more; its number may be given out again.
-- name: bury
DELETE FROM nodes WHERE seen_until < now() - make_interval(secs => :silence);

-- name: seen
UPDATE nodes SET seen_until = now() + make_interval(secs => :lease), works = :works WHERE id = :node
RETURNING number;

-- Only what has not lapsed is renewed: what has is taken anew, with an epoch of its own.
-- name: renew
UPDATE shards SET lease_until = now() + make_interval(secs => :lease)
WHERE node = :node AND lease_until > now() RETURNING id, epoch;

-- name: workers
SELECT count(*) FROM nodes WHERE works AND seen_until > now();

-- name: take
UPDATE shards SET node = :node, epoch = epoch + 1, lease_until = now() + make_interval(secs => :lease)
WHERE id IN (SELECT id FROM shards WHERE lease_until <= now() ORDER BY lease_until, id LIMIT :count
             FOR UPDATE SKIP LOCKED)
RETURNING id, epoch;

-- name: release
UPDATE shards SET node = NULL, lease_until = '-infinity'
WHERE node = :node AND id IN (SELECT value::smallint FROM json_array_elements_text(:ids::json));

-- name: leave
DELETE FROM nodes WHERE id = :node;
