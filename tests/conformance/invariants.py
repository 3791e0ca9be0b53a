"""What must hold in a database after every story, whatever happened in it."""

from pathlib import Path

import apsw

from reelhook.store.postgres.connection import PgConnection

RULES = {
    "a delivery that waits is in the queue under its due time": """
        SELECT id FROM deliveries d WHERE state IN ('pending', 'retrying') AND NOT EXISTS (
          SELECT 1 FROM queue q WHERE q.endpoint_id = d.endpoint_id AND q.delivery_id = d.id
          AND q.due_at = coalesce(d.next_attempt_at, 4611686018427387904))""",
    "nothing else is in the queue, and nothing twice": """
        SELECT delivery_id FROM queue GROUP BY delivery_id HAVING count(*) > 1
        UNION ALL SELECT delivery_id FROM queue q WHERE NOT EXISTS (
          SELECT 1 FROM deliveries d WHERE d.id = q.delivery_id AND d.state IN ('pending', 'retrying'))""",
    "the open deliveries of a lane stand in it, and only they": """
        SELECT id FROM deliveries d WHERE lane IS NOT NULL AND state IN ('pending', 'retrying', 'sending')
        AND NOT EXISTS (SELECT 1 FROM ordered o WHERE o.endpoint_id = d.endpoint_id AND o.lane = d.lane
                        AND o.position = d.position AND o.delivery_id = d.id)
        UNION ALL SELECT delivery_id FROM ordered o WHERE NOT EXISTS (
          SELECT 1 FROM deliveries d WHERE d.id = o.delivery_id AND d.state IN ('pending', 'retrying', 'sending'))""",
    "the head of a lane is not blocked": """
        SELECT o.delivery_id FROM ordered o JOIN deliveries d ON d.id = o.delivery_id
        WHERE d.next_attempt_at IS NULL AND d.state <> 'sending' AND NOT EXISTS (
          SELECT 1 FROM ordered p
          WHERE p.endpoint_id = o.endpoint_id AND p.lane = o.lane AND p.position < o.position)""",
    "a delivery has its event": "SELECT id FROM deliveries WHERE event_id NOT IN (SELECT id FROM events)",
    "an attempt has its details": "SELECT id FROM attempts WHERE id NOT IN (SELECT id FROM attempt_details)",
    "details have their attempt": "SELECT id FROM attempt_details WHERE id NOT IN (SELECT id FROM attempts)",
}
RULES_OF_SQLITE = {
    "what is claimed is being sent": """
        SELECT delivery_id FROM claims c WHERE NOT EXISTS (
          SELECT 1 FROM deliveries d WHERE d.id = c.delivery_id AND d.state = 'sending')""",
    "indexes name what exists": """
        SELECT id FROM attempts_by_endpoint WHERE id NOT IN (SELECT id FROM attempts)
        UNION ALL SELECT id FROM attempts_by_type WHERE id NOT IN (SELECT id FROM attempts)
        UNION ALL SELECT id FROM deliveries_by_endpoint WHERE id NOT IN (SELECT id FROM deliveries)
        UNION ALL SELECT id FROM deliveries_by_type WHERE id NOT IN (SELECT id FROM deliveries)
        UNION ALL SELECT id FROM events_by_type WHERE id NOT IN (SELECT id FROM events)
        UNION ALL SELECT id FROM events_by_asset WHERE id NOT IN (SELECT id FROM events)""",
    "indexes are complete up to their watermarks": """
        SELECT id FROM attempts WHERE id <= (SELECT value FROM meta WHERE key = 'attempts_until')
          AND (id NOT IN (SELECT id FROM attempts_by_endpoint) OR id NOT IN (SELECT id FROM attempts_by_type))
        UNION ALL
        SELECT id FROM deliveries WHERE id <= (SELECT value FROM meta WHERE key = 'deliveries_until')
          AND (id NOT IN (SELECT id FROM deliveries_by_endpoint) OR id NOT IN (SELECT id FROM deliveries_by_type))
        UNION ALL
        SELECT id FROM events WHERE id <= (SELECT value FROM meta WHERE key = 'events_until')
          AND id NOT IN (SELECT id FROM events_by_type)""",
}
"""About tables that PostgreSQL does not have."""
RULES_OF_POSTGRES = {
    "the index by asset names what exists": "SELECT id FROM events_by_asset WHERE id NOT IN (SELECT id FROM events)",
    "what is still to be indexed exists": "SELECT id FROM events_to_index WHERE id NOT IN (SELECT id FROM events)",
    "a delivery has the type of its event": """
        SELECT d.id FROM deliveries d JOIN events e ON e.id = d.event_id WHERE d.event_type <> e.type""",
    "an endpoint's last change is a version that its app has had": """
        SELECT e.id FROM endpoints e JOIN apps a ON a.id = e.app_id WHERE e.changed > a.version""",
}


def check_sqlite(path: Path) -> None:
    connection = apsw.Connection(str(path))
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        broken = {
            rule: found
            for rule, sql in (RULES | RULES_OF_SQLITE).items()
            if (found := connection.execute(sql).fetchall())
        }
        assert broken == {}, broken
    finally:
        connection.close()


def check_postgres(url: str) -> None:
    connection = PgConnection(url)
    try:
        rules = RULES | RULES_OF_POSTGRES
        broken = {rule: found for rule, sql in rules.items() if (found := connection.execute(sql).fetchall())}
        assert broken == {}, broken
    finally:
        connection.close()
