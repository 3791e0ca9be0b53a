-- Keys, where other nodes store some too: one that another node has stored since it was looked for changes nothing here,
-- which the writer sees by the number of rows, and refuses. One that has expired at :now gives way.

-- name: insert_keys
INSERT INTO keys (app_id, kind, key, fingerprint, answer, event_id, expires_at)
SELECT app_id, kind, key, fingerprint, answer, event_id, expires_at
FROM (:rows(text, text, text, bytea, bytea, bigint, bigint)) made
  (app_id, kind, key, fingerprint, answer, event_id, expires_at) ORDER BY app_id, kind, key
ON CONFLICT (app_id, kind, key) DO NOTHING;

-- name: delete_expired
DELETE FROM keys USING (:rows(text, text, text, bigint)) made (app_id, kind, key, now)
WHERE keys.app_id = made.app_id AND keys.kind = made.kind AND keys.key = made.key AND keys.expires_at <= made.now;

-- Which endpoints were told of which changes: the same.

-- name: insert_tellings
INSERT INTO tellings (endpoint_id, event_name, asset, occurred_at, app_id, event_type, expires_at)
SELECT * FROM (:rows(bigint, text, text, bigint, text, text, bigint)) made
  (endpoint_id, event_name, asset, occurred_at, app_id, event_type, expires_at)
ORDER BY endpoint_id, event_name, asset, occurred_at
ON CONFLICT (endpoint_id, event_name, asset, occurred_at) DO NOTHING;

-- name: delete_expired_tellings
DELETE FROM tellings USING (:rows(bigint, text, text, bigint, bigint)) made (endpoint_id, event_name, asset, occurred_at, now)
WHERE tellings.endpoint_id = made.endpoint_id AND tellings.event_name = made.event_name AND tellings.asset = made.asset
  AND tellings.occurred_at = made.occurred_at AND tellings.expires_at <= made.now;
