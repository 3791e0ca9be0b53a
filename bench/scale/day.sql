-- Fills one day. In braces: numbers of the day, names of tables, and what the two databases write differently. An id is
-- milliseconds << 22: the ten deliveries of an event follow its own id, attempts have others of the same millisecond.

-- name: events
INSERT INTO {events} (id, app_id, type, occurred_at, accepted_at, data, deliveries)
SELECT ({first_ms} + i * {events_apart}) << 22, 'default', CASE i % 3 WHEN 0 THEN 'asset.uploaded' ELSE 'asset.updated' END,
  {first_ms} + {epoch_ms} + i * {events_apart}, {first_ms} + {epoch_ms} + i * {events_apart},
  {asset}, {fan_out}
FROM {numbers_of_events};

-- name: deliveries
INSERT INTO {deliveries} (id, app_id, event_id, {event_type} endpoint_id, state, attempts, step, rescues, trigger,
                          updated_at, delivered_at, last_attempt_id)
SELECT (ms << 22) + 1 + j, 'default', ms << 22, {type_of_event} {first_endpoint} + (i * {fan_out} + j) % {endpoints},
  CASE WHEN (i + j) % 50 = 7 THEN 'failed' ELSE 'delivered' END, 1, 1, 0, 'schedule', ms + {epoch_ms} + 20,
  CASE WHEN (i + j) % 50 = 7 THEN NULL ELSE ms + {epoch_ms} + 20 END, (ms << 22) + 100 + j
FROM (SELECT i, {first_ms} + i * {events_apart} AS ms, j FROM {numbers_of_events} CROSS JOIN {numbers_of_fan_out}) made;

-- name: attempts
INSERT INTO {attempts} (id, app_id, delivery_id, event_id, event_type, endpoint_id, endpoint_version, number, at, succeeded,
                        status_code, trigger, duration_ms)
SELECT (ms << 22) + 100 + j, 'default', (ms << 22) + 1 + j, ms << 22,
  CASE i % 3 WHEN 0 THEN 'asset.uploaded' ELSE 'asset.updated' END,
  {first_endpoint} + (i * {fan_out} + j) % {endpoints}, 1, 1, ms + {epoch_ms} + 20,
  CASE WHEN (i + j) % 50 = 7 THEN 0 ELSE 1 END, CASE WHEN (i + j) % 50 = 7 THEN 500 ELSE 200 END, 'schedule', 12.5
FROM (SELECT i, {first_ms} + i * {events_apart} AS ms, j FROM {numbers_of_events} CROSS JOIN {numbers_of_fan_out}) made;

-- name: retried_events
INSERT INTO {events} (id, app_id, type, occurred_at, accepted_at, data, deliveries)
SELECT (({first_ms} + i * {retries_apart}) << 22) + 200, 'default', 'asset.updated',
  {first_ms} + {epoch_ms} + i * {retries_apart}, {first_ms} + {epoch_ms} + i * {retries_apart}, {asset}, 1
FROM {numbers_of_retries};

-- The first of the step are due now.
-- name: retries
INSERT INTO {deliveries} (id, app_id, event_id, {event_type} endpoint_id, state, attempts, step, rescues, trigger,
                          next_attempt_at, updated_at, last_attempt_id)
SELECT (ms << 22) + 201, 'default', (ms << 22) + 200, {type_of_retry} endpoint_id, 'retrying', {tries}, {tries}, 0, 'schedule',
  due_at, ms + {epoch_ms} + {tries} * 3600000, ((ms + {tries} * 3600000) << 22) + 300 + {tries}
FROM (SELECT i, {first_ms} + i * {retries_apart} AS ms, {endpoint_of_retry} AS endpoint_id, {due_of_retry} AS due_at
      FROM {numbers_of_retries}) made;

-- name: queue
INSERT INTO queue (endpoint_id, due_at, delivery_id)
SELECT {endpoint_of_retry}, {due_of_retry}, (({first_ms} + i * {retries_apart}) << 22) + 201 FROM {numbers_of_retries};

-- name: failures
INSERT INTO {attempts} (id, app_id, delivery_id, event_id, event_type, endpoint_id, endpoint_version, number, at, succeeded,
                        status_code, failure, error, trigger, duration_ms, previous_id)
SELECT ((ms + j * 3600000) << 22) + 300 + j, 'default', (ms << 22) + 201, (ms << 22) + 200, 'asset.updated', endpoint_id, 1,
  j, ms + {epoch_ms} + j * 3600000, 0, 503, 'http_status', 'the receiver answered 503', 'schedule', 31.0,
  CASE WHEN j > 1 THEN ((ms + (j - 1) * 3600000) << 22) + 299 + j END
FROM (SELECT i, {first_ms} + i * {retries_apart} AS ms, {endpoint_of_retry} AS endpoint_id, j + 1 AS j
      FROM {numbers_of_retries} CROSS JOIN {numbers_of_tries}) made;

-- Every attempt of the day has its request and its answer.
-- name: details
INSERT INTO {attempt_details} (id, head, prefix, suffix, response_head, response_body, truncated, timing, remote_address,
                               replayed, renewed)
SELECT id, {head}, {prefix}, {suffix}, {response_head}, {nothing}, 0, {timing}, '127.0.0.1', 0, 0
FROM {attempts} WHERE id >= {low} AND id < {high};

-- name: backlog_events
INSERT INTO events (id, app_id, type, occurred_at, accepted_at, data, deliveries)
SELECT (({now} - {epoch_ms} - 30000 + i) << 22) + 400, 'default', 'asset.updated', {now}, {now}, {asset}, 1 FROM {numbers_of_backlog};

-- name: backlog_deliveries
INSERT INTO deliveries (id, app_id, event_id, {event_type} endpoint_id, state, attempts, step, rescues, trigger,
                        next_attempt_at, updated_at)
SELECT (({now} - {epoch_ms} - 30000 + i) << 22) + 401, 'default', (({now} - {epoch_ms} - 30000 + i) << 22) + 400, {type_of_retry}
  {first_endpoint} + {claimed} + i % {drained}, 'pending', 0, 0, 0, 'schedule', {now}, {now}
FROM {numbers_of_backlog};

-- name: backlog_queue
INSERT INTO queue (endpoint_id, due_at, delivery_id)
SELECT {first_endpoint} + {claimed} + i % {drained}, {now}, (({now} - {epoch_ms} - 30000 + i) << 22) + 401 FROM {numbers_of_backlog};
