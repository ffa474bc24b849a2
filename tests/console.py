"""The console as tests come in by it: an app with a password, somebody signed in, and forms sent with their token."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from tests.building import make_app

PASSWORD: Final = "an-invented-password"
VIEW_PASSWORD: Final = "another-invented-password"
#: Made for tests to be quick; a real one takes 32 MB and a tenth of a second.
QUICK: Final = "pbkdf2:sha256:1"
WHO: Final = "Ops"
HASH: Final = generate_password_hash(PASSWORD, QUICK)
VIEW_HASH: Final = generate_password_hash(VIEW_PASSWORD, QUICK)


def console_app(database_url: str, *, now: Any = None, **settings: Any) -> Flask:
    """The service with its console open, for both roles."""
    return make_app(database_url, now=now, **{**console_settings(), **settings})


def console_settings() -> dict[str, str]:
    """What opens the console to both roles."""
    return {
        "console_password_hash": HASH,
        "console_view_password_hash": VIEW_HASH,
        "secret_key": "an-invented-key-for-sessions",
    }


def signed_in(app: Flask, role: Literal["act", "view"] = "act", *, who: str = WHO, language: str = "en") -> FlaskClient:
    """A browser in which somebody has signed in."""
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    answer = post(client, "/console/login", who=who, password=PASSWORD if role == "act" else VIEW_PASSWORD)
    assert answer.status_code == 303, answer.text
    return client


def token(client: FlaskClient) -> str:
    """The CSRF token of this browser's session, from a page of it."""
    page = client.get("/console/settings", follow_redirects=True)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def post(client: FlaskClient, url: str, **fields: Any) -> TestResponse:
    """Send a form as a page of the console does, with its token."""
    return client.post(url, data={"csrf_token": token(client), **fields})
