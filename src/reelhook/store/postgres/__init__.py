"""What is PostgreSQL's own: its connection, its partitions, who owns which shard. All else is shared with SQLite."""
