"""The writer of SQLite in a process of its own.

In a thread it would share the interpreter with the loop: each statement gives the interpreter away and must win it
back from a busy loop, which in its turn waits for the writer, so that both cores are half idle and commits take long.
The loop's process sends a batch as one message and hears how each operation ended; what runs there is the same
`Writer` on the same statements.
"""
