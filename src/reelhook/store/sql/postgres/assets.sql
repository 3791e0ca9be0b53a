-- What is remembered of assets beyond their events. `:rows` stands for as many rows of values as there are.

-- The first context stays, whatever comes later.
-- name: insert_contexts
INSERT INTO contexts (app_id, asset, context)
:rows(text, text, text) ON CONFLICT (app_id, asset) DO NOTHING;

-- name: recall_context
SELECT context FROM contexts WHERE app_id = ? AND asset = ?;

-- Another node may tell of the same at this moment, so it is written and made sure of at once (accepting.sql).
-- name: insert_tellings
;

-- name: recall_telling
SELECT event_type FROM tellings
WHERE endpoint_id = ? AND event_name = ? AND asset = ? AND occurred_at = ? AND expires_at > ?;
