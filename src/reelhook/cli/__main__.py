"""`python -m reelhook.cli`: the same as `reelhook`."""

from reelhook.cli.main import main

main()
