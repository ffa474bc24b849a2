"""A visitor to the service's console, as a browser without JavaScript: signs in, and goes from page to page."""

from __future__ import annotations

import re
from types import TracebackType
from typing import Final, Self

import requests

_PATIENCE_S: Final = 30
_TOKEN: Final = re.compile(r'name="csrf_token" value="([^"]+)"')


class NotLetIn(Exception):
    """The console did not do what it was asked; the text says what it answered."""


class Visitor:
    """Somebody at the console of the service at ``url`` (no slash at its end); use it in a ``with`` block."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def sign_in(self, who: str, password: str) -> None:
        """Raises ``NotLetIn``, or ``requests.RequestException`` when nobody answers."""
        path = "/console/login"
        form = self._session.get(self._url + path, timeout=_PATIENCE_S)
        token = _TOKEN.search(form.text)
        if token is None:
            raise NotLetIn(f"{path} shows no form to sign in with (HTTP {form.status_code})")
        fields = {"csrf_token": token[1], "who": who, "password": password}
        said = self._session.post(
            self._url + path, data=fields, headers={"Origin": self._url}, allow_redirects=False, timeout=_PATIENCE_S
        )
        if said.status_code != 303:
            raise NotLetIn(f"{path} refused the password (HTTP {said.status_code})")

    def look(self, path: str) -> str:
        """The page at this path, whole. Raises ``NotLetIn``, or ``requests.RequestException``."""
        page = self._session.get(self._url + path, allow_redirects=False, timeout=_PATIENCE_S)
        if page.status_code != 200:
            raise NotLetIn(f"{path} answered HTTP {page.status_code}")
        return page.text
