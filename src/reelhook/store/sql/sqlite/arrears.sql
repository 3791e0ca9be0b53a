-- Fills the indexes of the log behind the writes: in sorted chunks they cost a quarter of what live ones do.

-- name: next_attempts
SELECT count(*), max(id) FROM (SELECT id FROM attempts WHERE id > :after AND id < :end ORDER BY id LIMIT :limit);

-- name: next_deliveries
SELECT count(*), max(id) FROM (SELECT id FROM deliveries WHERE id > :after AND id < :end ORDER BY id LIMIT :limit);

-- name: next_events
SELECT count(*), max(id) FROM (SELECT id FROM events WHERE id > :after AND id < :end ORDER BY id LIMIT :limit);

-- name: fill_attempts_by_endpoint
INSERT OR IGNORE INTO attempts_by_endpoint (endpoint_id, id)
SELECT endpoint_id, id FROM attempts WHERE id > :after AND id <= :until ORDER BY endpoint_id, id;

-- name: fill_attempts_by_type
INSERT OR IGNORE INTO attempts_by_type (app_id, event_type, id)
SELECT app_id, event_type, id FROM attempts WHERE id > :after AND id <= :until ORDER BY app_id, event_type, id;

-- name: fill_deliveries_by_endpoint
INSERT OR IGNORE INTO deliveries_by_endpoint (endpoint_id, id)
SELECT endpoint_id, id FROM deliveries WHERE id > :after AND id <= :until ORDER BY endpoint_id, id;

-- name: fill_deliveries_by_type
INSERT OR IGNORE INTO deliveries_by_type (app_id, event_type, id)
SELECT d.app_id, e.type, d.id FROM deliveries d CROSS JOIN events e ON e.id = d.event_id
WHERE d.id > :after AND d.id <= :until ORDER BY d.app_id, e.type, d.id;

-- name: fill_events_by_type
INSERT OR IGNORE INTO events_by_type (app_id, event_type, id)
SELECT app_id, type, id FROM events WHERE id > :after AND id <= :until ORDER BY app_id, type, id;

-- name: event_data
SELECT app_id, id, data FROM events WHERE id > :after AND id <= :until;

-- name: fill_events_by_asset
INSERT OR IGNORE INTO events_by_asset (app_id, asset, id) VALUES :rows;
