-- What is remembered of assets beyond their events. `:rows` stands for as many rows of values as there are.

-- The first context stays, whatever comes later.
-- name: insert_contexts
INSERT INTO contexts (app_id, asset, context)
:rows(text, text, text) ON CONFLICT (app_id, asset) DO NOTHING;

-- name: recall_context
SELECT context FROM contexts WHERE app_id = ? AND asset = ?;

-- name: insert_tellings
INSERT INTO tellings (endpoint_id, event_name, asset, occurred_at, app_id, event_type, expires_at)
:rows(bigint, text, text, bigint, text, text, bigint)
ON CONFLICT (endpoint_id, event_name, asset, occurred_at) DO NOTHING;

-- name: recall_telling
SELECT event_type FROM tellings
WHERE endpoint_id = ? AND event_name = ? AND asset = ? AND occurred_at = ? AND expires_at > ?;
