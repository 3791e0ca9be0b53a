"""The one server of all simulated worlds of a test session."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.simulation.nodes.database import SharedDatabase, cluster_in
from tests.simulation.plan import EPOCH


@pytest.fixture(scope="session")
def database(folder: Path) -> Iterator[SharedDatabase]:
    with cluster_in(folder / "postgres") as cluster:
        shared = SharedDatabase.of(cluster, EPOCH)
        try:
            yield shared
        finally:
            shared.close()
