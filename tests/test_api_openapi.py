"""The status API against its own description, met with whatever schemathesis thinks of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks

from customer import Member
from handlers.api import description
from tests.building import body_of, house_of, make_app, post
from tests.conftest import NOON, Clock
from tests.ledger_cases import Ledger, done

TOKEN = "an-invented-token-for-the-site"
READY = 6900000000001
SCHEMA = schemathesis.openapi.from_dict(description())
STATUS = SCHEMA["/api/customers/{id}"]["GET"]
PROMISED = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
bounded = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)


@pytest.fixture
def app(database_url: str, clock: Clock) -> Iterator[Flask]:
    made = make_app(database_url, now=clock, status_api_token=TOKEN)
    post(made.test_client(), body_of(READY))
    house = house_of(made)
    house.members.put([Member("7", "CARD00012345", str(READY), (), "0")], seen_at=NOON)
    Ledger(house.database).carry(done("7"), now=clock.forward(minutes=5))
    yield made
    house.close()


def ask(app: Flask, case: schemathesis.Case[Any], token: str | None) -> int:
    """Ask as the case says, but for the wait: nobody is waited for here; the status, after all that was promised."""
    headers = {name: str(value).encode("utf-8", "replace").decode("latin-1") for name, value in case.headers.items()}
    headers = {name: value.replace("\r", " ").replace("\n", " ") for name, value in headers.items()}
    headers.pop("Authorization", None)
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    query = {name: value for name, value in (case.query or {}).items() if name != "wait"}
    response = app.test_client().get(case.formatted_path, query_string=query, headers=headers)
    case.validate_response(response, checks=PROMISED)
    return response.status_code


def test_who_bears_the_token_is_answered_as_described(app: Flask) -> None:
    said: set[int] = set()

    @bounded
    @given(STATUS.as_strategy())
    def asked(case: schemathesis.Case[Any]) -> None:
        said.add(ask(app, case, TOKEN))

    asked()
    assert 200 in said
    assert said <= {200, 304, 404}  # a pattern cannot say 2**63 - 1


@pytest.mark.parametrize("token", [None, "wrong"])
def test_who_does_not_is_refused_as_described(app: Flask, token: str | None) -> None:
    @bounded
    @given(STATUS.as_strategy())
    def asked(case: schemathesis.Case[Any]) -> None:
        assert ask(app, case, token) == 401

    asked()


def test_one_who_is_ready_is_described_too(app: Flask) -> None:
    case = STATUS.Case(path_parameters={"id": str(READY)}, headers={}, query={})
    assert ask(app, case, TOKEN) == 200


@pytest.mark.parametrize(("wait", "status"), [("0", 200), ("11", 400), ("x", 400)])
def test_a_wait_is_answered_as_described(app: Flask, wait: str, status: int) -> None:
    case = STATUS.Case(path_parameters={"id": str(READY)}, headers={}, query={"wait": wait})
    url = f"/api/customers/{READY}?wait={wait}"
    response = app.test_client().get(url, headers={"Authorization": f"Bearer {TOKEN}"})
    case.validate_response(response, checks=PROMISED)
    assert response.status_code == status


def test_the_description_is_served_to_anybody(app: Flask) -> None:
    answer = app.test_client().get("/api/openapi.json")
    assert answer.json == description()
    assert app.test_client().post("/api/openapi.json").status_code == 405
