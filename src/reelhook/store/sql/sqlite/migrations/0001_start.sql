-- The tables of one installation. Ids are time-ordered 63-bit integers (model/ids.py), times are milliseconds since
-- 1970. Hot tables have no foreign keys: the rows that belong together are written in one transaction.

CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

CREATE TABLE apps (
  id TEXT PRIMARY KEY,
  document BLOB NOT NULL,            -- JSON of model.access.App; secrets sealed
  created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE removed_apps (id TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE tokens (
  id INTEGER PRIMARY KEY,
  app_id TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE,         -- SHA-256 of the token; the token itself is nowhere
  document BLOB NOT NULL
);
CREATE INDEX tokens_by_app ON tokens (app_id, id);

-- The current version of each endpoint is the highest; `removed_at` hides a deleted one but keeps what attempts cite.
CREATE TABLE endpoints (
  id INTEGER PRIMARY KEY,
  app_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  compat_id TEXT,
  removed_at INTEGER
);
CREATE INDEX endpoints_by_app ON endpoints (app_id, id) WHERE removed_at IS NULL;
CREATE INDEX endpoints_removed ON endpoints (id) WHERE removed_at IS NOT NULL;

CREATE TABLE endpoint_versions (
  endpoint_id INTEGER NOT NULL,
  version INTEGER NOT NULL,
  name TEXT NOT NULL,
  url TEXT NOT NULL,
  document BLOB NOT NULL,            -- JSON of model.endpoint.Endpoint; secrets sealed
  PRIMARY KEY (endpoint_id, version)
) WITHOUT ROWID;

CREATE TABLE event_types (
  app_id TEXT NOT NULL,
  name TEXT NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (app_id, name)
) WITHOUT ROWID;

CREATE TABLE tasks (
  id INTEGER PRIMARY KEY,
  app_id TEXT NOT NULL,
  state TEXT NOT NULL,
  document BLOB NOT NULL
);
CREATE INDEX tasks_by_app ON tasks (app_id, id);
CREATE INDEX tasks_unfinished ON tasks (id) WHERE state IN ('queued', 'running');

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  app_id TEXT NOT NULL,
  document BLOB NOT NULL
);
CREATE INDEX audit_by_app ON audit (app_id, id);

-- Idempotency keys and event ids given by clients; `answer` is what a repetition gets (sealed where it shows secrets).
CREATE TABLE keys (
  app_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  answer BLOB NOT NULL,
  event_id INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (app_id, kind, key)
) WITHOUT ROWID;
CREATE INDEX keys_by_expiry ON keys (expires_at);

-- The deliveries of an event have the `deliveries` ids that follow its own; ones made later stand in later_deliveries.
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  app_id TEXT NOT NULL,
  type TEXT NOT NULL,
  given_id TEXT,
  occurred_at INTEGER NOT NULL,
  accepted_at INTEGER NOT NULL,
  ordering_key TEXT,
  source TEXT,
  data BLOB NOT NULL,                -- JSON exactly as it was posted
  deliveries INTEGER NOT NULL
);

CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY,
  app_id TEXT NOT NULL,
  event_id INTEGER NOT NULL,
  endpoint_id INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'retrying', 'delivered', 'failed', 'cancelled')),
  attempts INTEGER NOT NULL,         -- begun so far, this one included
  step INTEGER NOT NULL,             -- scheduled attempts done since the schedule (re)started
  rescues INTEGER NOT NULL,          -- interruptions in a row
  trigger TEXT NOT NULL,             -- of the next or running attempt
  claim_id INTEGER,                  -- of the owner while sending; fences the completion
  next_attempt_at INTEGER,           -- equals queue.due_at while waiting; NULL = waits for its predecessor
  updated_at INTEGER NOT NULL,
  delivered_at INTEGER,
  last_attempt_id INTEGER,           -- the attempts of a delivery are a chain: see attempts.previous_id
  lane TEXT,                         -- the ordering key, where its endpoint is ordered
  position INTEGER                   -- its place in the lane
);
CREATE INDEX deliveries_unhappy ON deliveries (endpoint_id, id) WHERE state IN ('failed', 'cancelled');

CREATE TABLE later_deliveries (
  event_id INTEGER NOT NULL,
  delivery_id INTEGER NOT NULL,
  PRIMARY KEY (event_id, delivery_id)
) WITHOUT ROWID;

-- What waits: a row exists if and only if the delivery is pending or retrying. due_at 4611686018427387904 (2^62) =
-- blocked behind its predecessor in an ordered lane.
CREATE TABLE queue (
  endpoint_id INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  delivery_id INTEGER NOT NULL,
  PRIMARY KEY (endpoint_id, due_at, delivery_id)
) WITHOUT ROWID;

-- What was taken from the queue and is being sent. Deliveries that accept hands straight to the dispatcher stand in no
-- table: all of them have ids from meta.handed_over_from on, which is where a rescue looks for state 'sending'.
CREATE TABLE claims (delivery_id INTEGER PRIMARY KEY);

-- Open deliveries of ordered endpoints, in their order.
CREATE TABLE ordered (
  endpoint_id INTEGER NOT NULL,
  lane TEXT NOT NULL,
  position INTEGER NOT NULL,
  delivery_id INTEGER NOT NULL,
  PRIMARY KEY (endpoint_id, lane, position)
) WITHOUT ROWID;

CREATE TABLE attempts (
  id INTEGER PRIMARY KEY,
  app_id TEXT NOT NULL,
  delivery_id INTEGER,               -- NULL: a test
  event_id INTEGER,
  event_given_id TEXT,
  event_type TEXT NOT NULL,
  event_name TEXT,                   -- as the dialect says it, where that differs
  endpoint_id INTEGER NOT NULL,
  endpoint_version INTEGER NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  succeeded INTEGER NOT NULL,
  status_code INTEGER,
  failure TEXT,
  error TEXT,
  trigger TEXT NOT NULL,
  duration_ms REAL NOT NULL,
  previous_id INTEGER                -- the attempt before, of the same delivery
);
CREATE INDEX attempts_failed ON attempts (app_id, id) WHERE succeeded = 0;
CREATE INDEX attempts_failed_of_endpoint ON attempts (endpoint_id, id) WHERE succeeded = 0;
CREATE INDEX attempts_of_status ON attempts (app_id, status_code, id) WHERE status_code NOT BETWEEN 200 AND 299;

CREATE TABLE attempt_details (
  id INTEGER PRIMARY KEY,
  head BLOB NOT NULL,                -- request line and headers as sent, secrets masked
  prefix BLOB,                       -- the body was prefix + events.data + suffix …
  suffix BLOB,
  body BLOB,                         -- … or this
  response_head BLOB,
  response_body BLOB,
  truncated INTEGER NOT NULL,
  timing BLOB NOT NULL,              -- JSON array: dns, connect, tls, first_byte, total (ms)
  remote_address TEXT,
  replayed INTEGER NOT NULL
);

-- Indexes that are filled in arrears, in sorted chunks, up to the id in meta.attempts_until, deliveries_until and
-- events_until (absent: nothing yet); readers scan the short tail behind it.
CREATE TABLE attempts_by_endpoint (
  endpoint_id INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (endpoint_id, id)
) WITHOUT ROWID;
CREATE TABLE attempts_by_type (
  app_id TEXT NOT NULL, event_type TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (app_id, event_type, id)
) WITHOUT ROWID;
CREATE TABLE deliveries_by_endpoint (
  endpoint_id INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (endpoint_id, id)
) WITHOUT ROWID;
CREATE TABLE deliveries_by_type (
  app_id TEXT NOT NULL, event_type TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (app_id, event_type, id)
) WITHOUT ROWID;
CREATE TABLE events_by_type (
  app_id TEXT NOT NULL, event_type TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (app_id, event_type, id)
) WITHOUT ROWID;
CREATE TABLE events_by_asset (          -- by data.asset.id, data.live.id, and what other systems call them (ids.*)
  app_id TEXT NOT NULL, asset TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (app_id, asset, id)
) WITHOUT ROWID;

-- Counts per endpoint and minute, written in record's own commit. measure: 0 delivered, 1 failed (deliveries);
-- 2 attempts, 3 failed attempts; 100 + n = attempts whose whole time fell into latency bucket n (model/latency.py).
CREATE TABLE rollups (
  endpoint_id INTEGER NOT NULL,
  minute INTEGER NOT NULL,           -- ms since 1970 / 60,000
  measure INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (endpoint_id, minute, measure)
) WITHOUT ROWID;

CREATE TABLE endpoint_health (
  endpoint_id INTEGER PRIMARY KEY,
  failing_since INTEGER,             -- NULL while its last attempt succeeded
  last_success_at INTEGER,
  last_failure_at INTEGER,
  notified_at INTEGER                -- when the owner was last told that it fails
);

INSERT INTO meta (key, value) VALUES ('handed_over_from', 9223372036854775807);
