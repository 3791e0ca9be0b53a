-- Claims, many at once: what is due is looked for in the transaction that takes it, one round trip for all claims of a
-- commit. (In SQLite the loop looks for it before, which costs microseconds there and a round trip here.)

-- One row more than may be taken tells when the next one is due; of it, and of what is not due yet, nothing else is read.
-- name: due
WITH asked (claim, endpoint_id, due, most) AS (:rows(bigint, bigint, bigint, bigint))
SELECT asked.claim, found.* FROM asked CROSS JOIN LATERAL (
  SELECT q.place, q.due_at, d.id, d.attempts, d.step, d.trigger, d.rescues, d.last_attempt_id, d.lane,
         e.id AS event_id, e.app_id, e.type, e.data, e.occurred_at, e.accepted_at, e.given_id, e.ordering_key, e.source
  FROM (SELECT due_at, delivery_id, row_number() OVER (ORDER BY due_at, delivery_id) AS place
        FROM queue WHERE endpoint_id = asked.endpoint_id AND due_at < 4611686018427387904
        ORDER BY due_at, delivery_id LIMIT asked.most + 1) q
  LEFT JOIN deliveries d ON d.id = q.delivery_id AND q.due_at <= asked.due AND q.place <= asked.most
  LEFT JOIN events e ON e.id = d.event_id) found
ORDER BY asked.claim, found.place;
