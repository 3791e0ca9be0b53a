-- The tables of one installation, as they are in SQLite, but for what follows from many nodes and from size:
--   * events, deliveries, attempts and their details are partitioned by ranges of ids, which are ranges of time: a
--     look-up by id touches one partition, and retention drops partitions instead of deleting rows;
--   * the indexes by endpoint and type are real ones: with many writers rows do not become visible in the order of
--     their ids, so no watermark could say up to where an index filled in arrears is complete;
--   * shards say which node sends to which endpoints, nodes who is alive, and apps.version what nodes must read anew.
-- Ids are time-ordered 63-bit integers (model/ids.py), times are milliseconds since 1970 unless they are timestamptz.

CREATE TABLE meta (key text PRIMARY KEY, value bigint, bytes bytea);

CREATE TABLE apps (
  id text PRIMARY KEY,
  document bytea NOT NULL,           -- JSON of model.access.App; secrets sealed
  created_at bigint NOT NULL,
  version bigint NOT NULL DEFAULT 0  -- grows with every change of the app, its endpoints, tokens and event types
);

CREATE TABLE removed_apps (id text PRIMARY KEY);

CREATE TABLE tokens (
  id bigint PRIMARY KEY,
  app_id text NOT NULL,
  hash bytea NOT NULL UNIQUE,        -- SHA-256 of the token; the token itself is nowhere
  document bytea NOT NULL
);
CREATE INDEX tokens_by_app ON tokens (app_id, id);

CREATE TABLE endpoints (
  id bigint PRIMARY KEY,
  app_id text NOT NULL,
  version bigint NOT NULL,
  compat_id text,
  removed_at bigint,
  changed bigint NOT NULL DEFAULT 0  -- the version of the app that the last change led to
);
CREATE INDEX endpoints_by_app ON endpoints (app_id, id) WHERE removed_at IS NULL;
CREATE INDEX endpoints_removed ON endpoints (id) WHERE removed_at IS NOT NULL;

CREATE TABLE endpoint_versions (
  endpoint_id bigint NOT NULL,
  version bigint NOT NULL,
  name text NOT NULL,
  url text NOT NULL,
  document bytea NOT NULL,           -- JSON of model.endpoint.Endpoint; secrets sealed
  made_at bigint NOT NULL,           -- when the version was stored
  PRIMARY KEY (endpoint_id, version)
);

CREATE TABLE event_types (
  app_id text NOT NULL,
  name text NOT NULL,
  document bytea NOT NULL,
  PRIMARY KEY (app_id, name)
);

CREATE TABLE tasks (
  id bigint PRIMARY KEY,
  app_id text NOT NULL,
  state text NOT NULL,
  document bytea NOT NULL
);
CREATE INDEX tasks_by_app ON tasks (app_id, id);
CREATE INDEX tasks_unfinished ON tasks (id) WHERE state IN ('queued', 'running');

CREATE TABLE audit (
  id bigint PRIMARY KEY,
  app_id text NOT NULL,
  document bytea NOT NULL
);
CREATE INDEX audit_by_app ON audit (app_id, id);

-- Idempotency keys and event ids given by clients; outside of any partition, so that they are unique.
CREATE TABLE keys (
  app_id text NOT NULL,
  kind text NOT NULL,
  key text NOT NULL,
  fingerprint bytea NOT NULL,
  answer bytea NOT NULL,
  event_id bigint NOT NULL,
  expires_at bigint NOT NULL,
  PRIMARY KEY (app_id, kind, key)
);
CREATE INDEX keys_by_expiry ON keys (expires_at);

CREATE TABLE events (
  id bigint NOT NULL PRIMARY KEY,
  app_id text NOT NULL,
  type text NOT NULL,
  given_id text,
  occurred_at bigint NOT NULL,
  accepted_at bigint NOT NULL,
  ordering_key text,
  source text,
  data bytea NOT NULL,               -- JSON exactly as it was posted
  deliveries integer NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX events_type ON events (app_id, type, id);

CREATE TABLE deliveries (
  id bigint NOT NULL PRIMARY KEY,
  app_id text NOT NULL,
  event_id bigint NOT NULL,
  event_type text NOT NULL,
  endpoint_id bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'sending', 'retrying', 'delivered', 'failed', 'cancelled')),
  attempts integer NOT NULL,
  step integer NOT NULL,
  rescues integer NOT NULL,
  trigger text NOT NULL,
  claim_id bigint,
  next_attempt_at bigint,
  updated_at bigint NOT NULL,
  delivered_at bigint,
  last_attempt_id bigint,
  lane text,
  position bigint
) PARTITION BY RANGE (id);
CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, id);
CREATE INDEX deliveries_type ON deliveries (app_id, event_type, id);
CREATE INDEX deliveries_unhappy ON deliveries (endpoint_id, id) WHERE state IN ('failed', 'cancelled');
CREATE INDEX deliveries_sending ON deliveries (id) WHERE state = 'sending';

CREATE TABLE later_deliveries (
  event_id bigint NOT NULL,
  delivery_id bigint NOT NULL,
  PRIMARY KEY (event_id, delivery_id)
);

-- What waits: a row exists if and only if the delivery is pending or retrying. due_at 4611686018427387904 (2^62) =
-- blocked behind its predecessor in an ordered lane. Rows come and go: vacuum often, by number, not by share.
CREATE TABLE queue (
  endpoint_id bigint NOT NULL,
  due_at bigint NOT NULL,
  delivery_id bigint NOT NULL,
  PRIMARY KEY (endpoint_id, due_at, delivery_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- Open deliveries of ordered endpoints, in their order.
CREATE TABLE ordered (
  endpoint_id bigint NOT NULL,
  lane text NOT NULL,
  position bigint NOT NULL,
  delivery_id bigint NOT NULL,
  PRIMARY KEY (endpoint_id, lane, position)
);

CREATE TABLE attempts (
  id bigint NOT NULL PRIMARY KEY,
  app_id text NOT NULL,
  delivery_id bigint,                -- NULL: a test
  event_id bigint,
  event_given_id text,
  event_type text NOT NULL,
  event_name text,
  endpoint_id bigint NOT NULL,
  endpoint_version bigint NOT NULL,
  number integer NOT NULL,
  at bigint NOT NULL,
  succeeded smallint NOT NULL,
  status_code integer,
  failure text,
  error text,
  trigger text NOT NULL,
  duration_ms double precision NOT NULL,
  previous_id bigint
) PARTITION BY RANGE (id);
CREATE INDEX attempts_endpoint ON attempts (endpoint_id, id);
CREATE INDEX attempts_type ON attempts (app_id, event_type, id);
CREATE INDEX attempts_failed ON attempts (app_id, id) WHERE succeeded = 0;
CREATE INDEX attempts_failed_of_endpoint ON attempts (endpoint_id, id) WHERE succeeded = 0;
CREATE INDEX attempts_of_status ON attempts (app_id, status_code, id) WHERE status_code NOT BETWEEN 200 AND 299;

CREATE TABLE attempt_details (
  id bigint NOT NULL PRIMARY KEY,
  head bytea NOT NULL,
  prefix bytea,
  suffix bytea,
  body bytea,
  response_head bytea,
  response_body bytea,
  truncated smallint NOT NULL,
  timing bytea NOT NULL,
  remote_address text,
  replayed smallint NOT NULL,
  renewed smallint NOT NULL
) PARTITION BY RANGE (id);

-- The names that the log is read by, on the indexes above.
CREATE VIEW attempts_by_endpoint AS SELECT endpoint_id, id FROM attempts;
CREATE VIEW attempts_by_type AS SELECT app_id, event_type, id FROM attempts;
CREATE VIEW deliveries_by_endpoint AS SELECT endpoint_id, id FROM deliveries;
CREATE VIEW deliveries_by_type AS SELECT app_id, event_type, id FROM deliveries;
CREATE VIEW events_by_type AS SELECT app_id, type AS event_type, id FROM events;

-- By data.asset.id and the like, filled in arrears: an event stands in `events_to_index` until it is here.
CREATE TABLE events_by_asset (
  app_id text NOT NULL, asset text NOT NULL, id bigint NOT NULL, PRIMARY KEY (app_id, asset, id)
) PARTITION BY RANGE (id);
CREATE TABLE events_to_index (id bigint PRIMARY KEY)
  WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE contexts (
  app_id text NOT NULL, asset text NOT NULL, context text NOT NULL, PRIMARY KEY (app_id, asset)
);

CREATE TABLE tellings (
  endpoint_id bigint NOT NULL,
  event_name text NOT NULL,
  asset text NOT NULL,
  occurred_at bigint NOT NULL,
  app_id text NOT NULL,
  event_type text NOT NULL,
  expires_at bigint NOT NULL,
  PRIMARY KEY (endpoint_id, event_name, asset, occurred_at)
);
CREATE INDEX tellings_by_expiry ON tellings (expires_at);

CREATE TABLE rollups (
  endpoint_id bigint NOT NULL,
  minute bigint NOT NULL,
  measure integer NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (endpoint_id, minute, measure)
) WITH (fillfactor = 70);

CREATE TABLE endpoint_health (
  endpoint_id bigint PRIMARY KEY,
  failing_since bigint,
  last_success_at bigint,
  last_failure_at bigint,
  notified_at bigint,
  exhausted_at bigint
) WITH (fillfactor = 50);

-- Each endpoint belongs to a shard (store/postgres/shards.py), each shard to one node at a time; `epoch` grows with
-- every change of hands.
CREATE TABLE shards (
  id smallint PRIMARY KEY,
  node text,
  epoch bigint NOT NULL DEFAULT 0,
  lease_until timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 30);
INSERT INTO shards (id) SELECT generate_series(0, 255);

CREATE TABLE nodes (
  id text PRIMARY KEY,
  number integer NOT NULL UNIQUE,    -- goes into the ids that the node makes, so that no two nodes make the same one
  works boolean NOT NULL,            -- takes shards
  seen_until timestamptz NOT NULL
) WITH (fillfactor = 30);

-- Everything is indexed at once here: the log reads its indexes to their ends.
INSERT INTO meta (key, value) SELECT unnest(ARRAY['attempts_until', 'deliveries_until', 'events_until']),
  9223372036854775806;

-- Changes of an app and of what belongs to it. The lock of the app's row makes the order of versions that of commits.
CREATE FUNCTION reelhook_app_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.document IS DISTINCT FROM OLD.document THEN
    NEW.version := OLD.version + 1;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER app_changed BEFORE UPDATE ON apps FOR EACH ROW EXECUTE FUNCTION reelhook_app_changed();

CREATE FUNCTION reelhook_endpoint_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE apps SET version = version + 1 WHERE id = NEW.app_id RETURNING version INTO NEW.changed;
  NEW.changed := coalesce(NEW.changed, 0);  -- the app is gone
  RETURN NEW;
END $$;
CREATE TRIGGER endpoint_changed BEFORE INSERT OR UPDATE ON endpoints
  FOR EACH ROW EXECUTE FUNCTION reelhook_endpoint_changed();

CREATE FUNCTION reelhook_belonging_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE apps SET version = version + 1 WHERE id = coalesce(NEW.app_id, OLD.app_id);
  RETURN NULL;
END $$;
CREATE TRIGGER token_changed AFTER INSERT OR UPDATE OR DELETE ON tokens
  FOR EACH ROW EXECUTE FUNCTION reelhook_belonging_changed();
CREATE TRIGGER event_type_changed AFTER INSERT OR UPDATE OR DELETE ON event_types
  FOR EACH ROW EXECUTE FUNCTION reelhook_belonging_changed();

-- Partitions: which there are. `reelhook_partition` makes one, unless it is there or rows of its range stand in the
-- default partition already; it tells whether it did.
CREATE TABLE partitions (parent text NOT NULL, low bigint NOT NULL, high bigint NOT NULL, PRIMARY KEY (parent, low));
CREATE TABLE events_default PARTITION OF events DEFAULT;
CREATE TABLE deliveries_default PARTITION OF deliveries DEFAULT;
CREATE TABLE attempts_default PARTITION OF attempts DEFAULT;
CREATE TABLE attempt_details_default PARTITION OF attempt_details DEFAULT;
CREATE TABLE events_by_asset_default PARTITION OF events_by_asset DEFAULT;

CREATE FUNCTION reelhook_partition(parent text, low bigint, high bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  taken boolean;
BEGIN
  IF EXISTS (SELECT 1 FROM partitions p WHERE p.parent = reelhook_partition.parent AND p.low = reelhook_partition.low)
  THEN
    RETURN false;
  END IF;
  PERFORM pg_advisory_xact_lock(1919247726);
  EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I WHERE id >= $1 AND id < $2)', parent || '_default')
    INTO taken USING low, high;
  IF taken OR to_regclass(format('%I', parent || '_' || low)) IS NOT NULL THEN
    RETURN false;
  END IF;
  EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)', parent || '_' || low, parent, low, high);
  INSERT INTO partitions VALUES (parent, low, high);
  RETURN true;
END $$;

CREATE FUNCTION reelhook_drop(parent text, low bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('DROP TABLE IF EXISTS %I', parent || '_' || low);
  DELETE FROM partitions p WHERE p.parent = reelhook_drop.parent AND p.low = reelhook_drop.low;
END $$;

-- Drops the events of a range with their deliveries. What is still open, or has an attempt from :kept on that needs its
-- event to be shown, moves to the default partitions, where it goes row by row.
CREATE FUNCTION reelhook_drop_events(low bigint, high bigint, kept bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  needed_deliveries bigint[];
  needed_events bigint[];
BEGIN
  EXECUTE format($q$SELECT array_agg(id), array_agg(DISTINCT event_id) FROM %I
                    WHERE state IN ('pending', 'sending', 'retrying') OR last_attempt_id >= $1$q$, 'deliveries_' || low)
    INTO needed_deliveries, needed_events USING kept;
  needed_events := needed_events || ARRAY(
    SELECT l.event_id FROM later_deliveries l JOIN deliveries d ON d.id = l.delivery_id
    WHERE l.event_id >= low AND l.event_id < high
      AND (d.state IN ('pending', 'sending', 'retrying') OR d.last_attempt_id >= kept));
  EXECUTE format('ALTER TABLE deliveries DETACH PARTITION %I', 'deliveries_' || low);
  IF to_regclass(format('%I', 'events_' || low)) IS NOT NULL THEN
    EXECUTE format('ALTER TABLE events DETACH PARTITION %I', 'events_' || low);
    EXECUTE format('INSERT INTO events SELECT * FROM %I WHERE id = ANY($1)', 'events_' || low) USING needed_events;
    PERFORM reelhook_drop('events', low);
  END IF;
  EXECUTE format('INSERT INTO deliveries SELECT * FROM %I WHERE id = ANY($1)', 'deliveries_' || low)
    USING needed_deliveries;
  PERFORM reelhook_drop('deliveries', low);
  IF to_regclass(format('%I', 'events_by_asset_' || low)) IS NOT NULL THEN
    EXECUTE format('ALTER TABLE events_by_asset DETACH PARTITION %I', 'events_by_asset_' || low);
    EXECUTE format('INSERT INTO events_by_asset SELECT * FROM %I WHERE id = ANY($1)', 'events_by_asset_' || low)
      USING needed_events;
    PERFORM reelhook_drop('events_by_asset', low);
  END IF;
  DELETE FROM events_to_index t WHERE t.id >= low AND t.id < high AND t.id <> ALL (coalesce(needed_events, '{}'));
  DELETE FROM later_deliveries l WHERE l.event_id >= low AND l.event_id < high
    AND l.event_id <> ALL (coalesce(needed_events, '{}'));
END $$;
