"""What is attacked: one target each, with the law it must keep in a sentence."""

from __future__ import annotations

from typing import Final

from fuzz.targets import customers, http, hubspot, mapping, receiver, shopify, smaregi
from fuzz.targets.target import Target

TARGETS: Final[dict[str, Target]] = {
    target.name: target
    for target in (
        receiver.TARGET,
        customers.TARGET,
        mapping.TARGET,
        shopify.ANSWERS,
        shopify.LANE,
        shopify.SETTING,
        smaregi.ANSWERS,
        smaregi.LANE,
        hubspot.ANSWERS,
        hubspot.LANE,
        http.TARGET,
    )
}

__all__ = ["TARGETS", "Target"]
