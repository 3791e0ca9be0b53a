-- The indexes of the log are real ones here and need nothing to be filled: with many writers, rows do not become visible
-- in the order of their ids, so no watermark could say up to where an index filled in arrears is complete. Only the
-- index by asset is filled behind the writes, because it takes a look into the events' data; which events it lacks
-- stands in `events_to_index` (partitions.sql).

-- name: next_attempts
;

-- name: next_deliveries
;

-- name: next_events
;

-- name: fill_attempts_by_endpoint
;

-- name: fill_attempts_by_type
;

-- name: fill_deliveries_by_endpoint
;

-- name: fill_deliveries_by_type
;

-- name: fill_events_by_type
;

-- name: event_data
;

-- name: fill_events_by_asset
INSERT INTO events_by_asset (app_id, asset, id)
:rows(text, text, bigint) ON CONFLICT DO NOTHING;
