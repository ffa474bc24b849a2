"""The sandbox under the real clients, without a socket: what `requests` sends is handed to the app as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import requests
import responses

from sandbox.config import SandboxConfig
from sandbox.core import create_sandbox, world_of
from sandbox.gate import ConnectionDropped
from sandbox.world import World

URL = "http://sandbox.test"


@contextmanager
def sandbox_without_a_socket(
    config: SandboxConfig, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Iterator[World]:
    """Within the block every call below ``URL`` is answered by a sandbox of this kind, whose state is given back."""
    app = create_sandbox(config, clock=clock, pause=lambda _: None)

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        try:
            with app.test_client() as client:
                told = client.open(
                    str(request.url).removeprefix(URL),
                    method=request.method,
                    data=request.body,
                    headers=list(request.headers.items()),
                )
        except ConnectionDropped as e:
            raise requests.exceptions.ConnectionError from e
        return told.status_code, dict(told.headers), told.data

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST", "PATCH", "DELETE"):
            mock.add_callback(method, re.compile(rf"^{URL}/"), answer)
        yield world_of(app)
