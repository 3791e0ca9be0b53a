"""JSON pointers (RFC 6901): where in the input something is wrong."""


def pointer(*steps: str | int) -> str:
    """Write a pointer: `pointer("headers", "a/b")` is `/headers/a~1b`."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)
