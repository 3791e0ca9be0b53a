-- The context that an asset was first seen with, by its own id and by those that dialects with contexts call it. Kept as
-- long as the app: an event years later still belongs to whom the first one said.
CREATE TABLE contexts (
  app_id TEXT NOT NULL,
  asset TEXT NOT NULL,
  context TEXT NOT NULL,
  PRIMARY KEY (app_id, asset)
) WITHOUT ROWID;

-- Which endpoint was told of which change of an asset, and as which type, where its dialect has one name for several
-- types: whoever posts the same change again as another of them tells that endpoint nothing new.
CREATE TABLE tellings (
  endpoint_id INTEGER NOT NULL,
  event_name TEXT NOT NULL,          -- as the dialect says it
  asset TEXT NOT NULL,
  occurred_at INTEGER NOT NULL,
  app_id TEXT NOT NULL,
  event_type TEXT NOT NULL,          -- the one that was first
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (endpoint_id, event_name, asset, occurred_at)
) WITHOUT ROWID;
CREATE INDEX tellings_by_expiry ON tellings (expires_at);
