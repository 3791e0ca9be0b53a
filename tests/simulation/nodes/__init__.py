"""Simulated worlds of several nodes over one PostgreSQL.

All that a node is made of is real, down to the SQL, and PostgreSQL itself is real too: an imitation of it (an SQLite
that several stores open, say) would need other statements for leases, claims and acceptances, and prove nothing of
those that run. So that a world is the same each time,

- every node lives in a virtual loop of its own, and all loops share one virtual time (`loops`): one callback of one
  node runs at a time, and chance decides between those that could;
- each transaction of a node is one callback: it runs from its beginning to its end over one real connection that all
  nodes share (`database`, `line`), so that nobody ever waits for a lock. What waits for locks do is for the tests with
  real processes;
- PostgreSQL's `now()` is the virtual time, its tables are emptied anew for each world, and its plans depend on nothing
  that was before.

What may befall a node: it dies at any step of its work, it is paused for longer than its lease and goes on, it is cut
off from the database, a connection breaks within a transaction or in COMMIT, before or after that took effect, its
clock is moved, it is stopped in order, and others join.
"""
