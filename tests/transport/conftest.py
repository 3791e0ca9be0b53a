import asyncio

import pytest
import uvloop


@pytest.fixture(params=["uvloop", "asyncio"])
def run(request):
    """Run a coroutine to its end, on the loop of the product and on the standard one."""
    return uvloop.run if request.param == "uvloop" else asyncio.run
