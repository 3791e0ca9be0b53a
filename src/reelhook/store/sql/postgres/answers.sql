-- Answers to POSTs that carried an Idempotency-Key, sealed, beside the keys of publishing.

-- name: recall
SELECT fingerprint, answer, event_id FROM keys WHERE app_id = ? AND kind = ? AND key = ? AND expires_at > ?;

-- The first answer stays for as long as it lives.
-- name: keep
INSERT INTO keys (app_id, kind, key, fingerprint, answer, event_id, expires_at)
VALUES (:app_id, :kind, :key, :fingerprint, :answer, :event_id, :expires_at)
ON CONFLICT (app_id, kind, key) DO UPDATE SET fingerprint = excluded.fingerprint, answer = excluded.answer,
  event_id = excluded.event_id, expires_at = excluded.expires_at WHERE keys.expires_at <= :now;
