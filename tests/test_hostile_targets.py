"""Every target of `make fuzz` with a few hundred inputs of fixed seeds, and a few thousand odd customers.

The fuzzer itself runs by hand; this guards what it has found out. `make fuzz SECONDS=60` tries a thousand times more.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Iterator

import pytest

from fuzz.customers import map_many
from fuzz.source import Source
from fuzz.targets import TARGETS, Target
from fuzz.wild import as_bytes, tamper

INPUTS = {"hubspot-lane": 60, "smaregi-lane": 120, "shopify-lane": 120, "http-answers": 250}


@pytest.fixture(autouse=True)
def _nothing_else_ends_at_the_deepest() -> Iterator[None]:
    """Some inputs are nested up to Python's limit, where the last words of other tests' leavings would fail."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _try_many(target: Target, dice: random.Random, many: int) -> None:
    for _ in range(many):
        target.try_one(dice.randbytes(dice.randrange(400)))


@pytest.mark.parametrize("name", TARGETS)
def test_the_law_of_each_target_holds(name: str) -> None:
    target = TARGETS[name]
    dice = random.Random(name)
    for seed in target.seeds():
        target.try_one(seed)
    _try_many(target, dice, INPUTS.get(name, 400))


def test_a_broken_law_is_noticed() -> None:
    """The guard can fail: a parser that lets anything through is caught within the same few inputs."""
    target = TARGETS["smaregi-lane"]
    dice = random.Random(1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("clients.smaregi.api.is_id", lambda _: True)
        with pytest.raises(AssertionError):
            _try_many(target, dice, 3_000)


def test_an_empty_source_leaves_everything_as_it_is() -> None:
    value = {"a": [1, "two", None], "b": {"c": True}}
    assert tamper(Source(b""), value) == value
    assert as_bytes(Source(b""), [1]) == b"[1]"


def test_the_same_bytes_are_the_same_input() -> None:
    data = random.Random(3).randbytes(200)
    value = {"a": [1, "two", None], "b": {"c": True}}
    assert repr(tamper(Source(data), value, 3)) == repr(tamper(Source(data), value, 3))


@pytest.mark.parametrize("seed", [11, 12])
def test_odd_customers_keep_every_law_of_the_mapping(seed: int) -> None:
    found = map_many(seed, 1_500)
    assert found.tried == 1_500
    assert found.broken == {}
    assert {"lastKana widened", "address replaced", "phoneNumber dropped"} <= found.corrections.keys()
