-- What a move from SQLite does at its end.

-- The assets of events up to there are in events_by_asset already; the others go in arrears.
-- name: index_later
INSERT INTO events_to_index SELECT id FROM events WHERE id > :until;

-- name: unmark
DELETE FROM meta WHERE key = :name;
