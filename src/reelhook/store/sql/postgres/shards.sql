-- Who is alive, and who owns which shard until when. Times are the database's, so that no two clocks are compared.

-- Held until the end of the transaction: nodes that join at once would choose the same number.
-- name: lock_numbers
SELECT pg_advisory_xact_lock(1919247727);

-- name: join
INSERT INTO nodes (id, number, works, seen_until, knows, seals)
SELECT :node, free.number, :works, now() + make_interval(secs => :lease), :knows, :seals
FROM (SELECT candidate AS number FROM generate_series(0, 127) candidate
      WHERE NOT EXISTS (SELECT 1 FROM nodes n WHERE n.number = candidate) ORDER BY candidate LIMIT 1) free
RETURNING number;

-- A node that has been gone for so long makes no ids any more; its number may be given out again.
-- name: bury
DELETE FROM nodes WHERE seen_until < now() - make_interval(secs => :silence);

-- Also the oldest schema that a node must know, which grows under one that was frozen while others were upgraded.
-- name: seen
UPDATE nodes SET seen_until = now() + make_interval(secs => :lease), works = :works WHERE id = :node
RETURNING number, (SELECT value FROM meta WHERE key = 'schema_oldest'),
          (SELECT bytes FROM meta WHERE key = 'seal_retired');

-- name: oldest
SELECT (SELECT value FROM meta WHERE key = 'schema_oldest'), (SELECT bytes FROM meta WHERE key = 'seal_retired');

-- Nodes at work whose program is older than that.
-- name: behind
SELECT id FROM nodes WHERE knows < :knows AND seen_until > now() ORDER BY id;

-- Nodes at work that seal with another key, or do not say with which.
-- name: seal_otherwise
SELECT id FROM nodes WHERE seals IS DISTINCT FROM :seals AND seen_until > now() ORDER BY id;

-- Only what has not lapsed is renewed: what has is taken anew, with an epoch of its own.
-- name: renew
UPDATE shards SET lease_until = now() + make_interval(secs => :lease)
WHERE node = :node AND lease_until > now() RETURNING id, epoch;

-- Nodes that take shards, and all of them.
-- name: alive
SELECT count(*) FILTER (WHERE works), count(*) FROM nodes WHERE seen_until > now();

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
