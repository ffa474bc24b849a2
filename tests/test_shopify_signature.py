"""Who sent this body: only the exact bytes under a configured secret pass, and nothing makes the check fail loudly."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.shopify.signature import labelled, sign, verify

BODY = b'{"id":1}'
GOOD = "UkUx5xUgbE1mZtNvzMqP/UoPHjWVcjUfSphHLwSIbqU="
SECRETS = labelled(["example-secret", "previous-secret", "店の鍵"])


def test_the_documented_examples_sign_to_the_documented_signatures() -> None:
    assert sign(BODY, "example-secret") == GOOD
    assert sign(b'{"id": 1}', "example-secret") == "a/WdefS+X0PYys3dD5Z5+DjujXhITqtG7V18huj/1JY="


@pytest.mark.parametrize(("label", "secret"), SECRETS)
def test_any_configured_secret_may_match_and_its_label_comes_back(label: str, secret: str) -> None:
    assert verify(BODY, sign(BODY, secret), SECRETS) == label
    assert verify(BODY, sign(BODY, secret).encode(), SECRETS) == label


def test_labels_count_the_secrets_of_the_setting_and_never_show_them() -> None:
    assert [label for label, _ in SECRETS] == ["secret 1", "secret 2", "secret 3"]


def test_the_first_of_two_equal_secrets_is_named() -> None:
    assert verify(BODY, GOOD, labelled(["example-secret", "example-secret"])) == "secret 1"


@pytest.mark.parametrize(
    "claimed",
    [
        None,
        "",
        b"",
        "not base64 at all",
        GOOD[:-1],
        GOOD + "=",
        f" {GOOD}",
        GOOD.lower(),
        "署名",
        "\udce7",
        "UkUx5xUgbE1mZtNvzMqP/UoPHjWVcjUfSphHLwSIbqÜ=",
        b"\xff\xfe",
        "A" * 100_000,
        sign(BODY, "somebody-else"),
    ],
)
def test_a_missing_malformed_or_foreign_signature_matches_nobody(claimed: str | bytes | None) -> None:
    assert verify(BODY, claimed, SECRETS) is None


def test_a_space_more_in_the_body_breaks_the_signature() -> None:
    assert verify(b'{"id": 1}', GOOD, SECRETS) is None


def test_without_secrets_or_with_an_empty_one_nobody_passes() -> None:
    assert verify(BODY, GOOD, ()) is None
    assert verify(BODY, sign(BODY, ""), labelled(["", "example-secret"])) is None


@settings(max_examples=200, deadline=None, database=None)
@given(body=st.binary(), claimed=st.none() | st.text() | st.binary(), secret=st.text(min_size=1))
def test_whatever_comes_is_answered_without_an_error(body: bytes, claimed: str | bytes | None, secret: str) -> None:
    assert verify(body, claimed, labelled([secret])) is None
    assert verify(body, sign(body, secret), labelled([secret])) == "secret 1"
