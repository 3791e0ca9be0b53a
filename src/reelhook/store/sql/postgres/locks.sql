-- Locks on ordered lanes, which have no row that every transaction about them could lock (store/ordering.py). The first
-- number tells them from other advisory locks; any would do. They end with their transaction.

-- In the order of the rows, which is that of the numbers.
-- name: wait
SELECT pg_advisory_xact_lock(1919247728, key) FROM (:rows(integer)) lane (key);

-- name: try
SELECT pg_try_advisory_xact_lock(1919247728, key) FROM (:rows(integer)) lane (key);
