"""The portal as we need it: a group and our properties, created if missing, and always looked at afterwards.

https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from clients.errors import StopLane, TryLater
from clients.http import Answer
from clients.hubspot.api import HubSpotApi
from clients.hubspot.properties import GROUP, PROPERTIES, Property
from clients.hubspot.sorting import sort_answer

Findings: TypeAlias = list[tuple[str, str]]

# A new property was readable after 250 to 700 ms, without a guarantee.
LOOKS: Final = 10
PAUSE_S: Final = 0.5


def check(api: HubSpotApi) -> Findings:
    """Each property of ours with ``present``, ``missing`` or ``wrong: ...``; changes nothing.

    Raises ``TryLater``, or ``StopLane`` where we may not even look.
    """
    return [(each.name, _judge(each, found) if (found := _look(api, each)) else "missing") for each in PROPERTIES]


def setup(api: HubSpotApi, *, sleep: Callable[[float], None]) -> Findings:
    """Create what is missing; each property of ours with ``present``, ``created`` or ``wrong: ...``.

    Safe beside another process that does the same. Raises ``TryLater``, or ``StopLane`` where it is not allowed.
    """
    found = {each.name: _look(api, each) for each in PROPERTIES}
    missing = [each for each in PROPERTIES if not found[each.name]]
    if missing:
        _accept(api.create_group({"name": GROUP, "label": "Shopify"}), f"group {GROUP}")
    # All are made before the first is looked at again, so that HubSpot's lag is waited out once.
    made = {each.name: _create(api, each) for each in missing}
    return [
        (each.name, _judge(each, there) if (there := found[each.name]) else _seen(api, each, made[each.name], sleep))
        for each in PROPERTIES
    ]


def wrong_ones(findings: Findings) -> StopLane | None:
    """What stops the lane: properties that are there but cannot serve, with the mend."""
    wrong = [f"{name} ({said})" for name, said in findings if said.startswith("wrong")]
    if not wrong:
        return None
    # https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide : name and hasUniqueValue are
    # immutable, and a name that was archived comes back as it was for 90 days
    return StopLane(
        f"HubSpot contact properties cannot serve: {'; '.join(wrong)}. Change the type under Settings > Properties in "
        "HubSpot; a property that must be unique has to be deleted for good there (the archive keeps it 90 days). Then "
        "run: flask hubspot setup",
        kind="hubspot.setup_wrong",
    )


def _create(api: HubSpotApi, wanted: Property) -> bool:
    """Whether it was us who made it; False when somebody else did meanwhile."""
    answer = api.create_property(wanted.definition)
    _accept(answer, f"property {wanted.name}")
    return answer.ok


def _seen(api: HubSpotApi, wanted: Property, ours: bool, sleep: Callable[[float], None]) -> str:
    # 201 may have brought an archived property back as it was, and 409 says nothing of its type: look at both.
    for look in range(LOOKS):
        if look:
            sleep(PAUSE_S)
        if found := _look(api, wanted):
            said = _judge(wanted, found)
            return "created" if ours and said == "present" else said
    raise TryLater(
        f"HubSpot does not show the new property {wanted.name} yet",
        kind="hubspot.setup_unseen",
        wait=timedelta(seconds=10),
    )


def _look(api: HubSpotApi, wanted: Property) -> Mapping[str, Any] | None:
    """The definition, or None when there is none."""
    answer = api.property(wanted.name)
    if answer.ok and isinstance(answer.body, Mapping):
        return None if answer.body.get("archived") is True else answer.body
    # Another body than HubSpot's own would be an address that is not theirs.
    if answer.status == 404 and isinstance(answer.body, Mapping) and answer.body.get("category") == "OBJECT_NOT_FOUND":
        return None
    raise _refused(answer, f"property {wanted.name}")


def _accept(answer: Answer, what: str) -> None:
    if not answer.ok and answer.status != 409:
        raise _refused(answer, what)


def _judge(wanted: Property, found: Mapping[str, Any]) -> str:
    wrong = wanted.what_is_wrong(found)
    return f"wrong: {wrong}" if wrong else "present"


def _refused(answer: Answer, what: str) -> StopLane | TryLater:
    """Whatever HubSpot has against a property of ours stops the lane: no customer could go without it."""
    verdict = sort_answer(answer, now=datetime.now(UTC))
    if isinstance(verdict, StopLane | TryLater):
        return verdict
    return StopLane(
        f"HubSpot refuses the {what} ({answer.status}): look at the limits of custom properties and of unique ones "
        "(10 per object) under Settings > Properties, then run: flask hubspot setup",
        kind="hubspot.setup_refused",
        status=answer.status,
    )
