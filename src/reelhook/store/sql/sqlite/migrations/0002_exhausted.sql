-- When a delivery of the endpoint was last given up after its last attempt; NULL when an attempt succeeded since.
ALTER TABLE endpoint_health ADD COLUMN exhausted_at INTEGER;
