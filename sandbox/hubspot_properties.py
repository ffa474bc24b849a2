"""The schema of contacts in one portal: property groups and properties, archived ones included.

https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
"""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.config import SandboxConfig
from sandbox.hubspot_errors import Refused, invalid_input
from sandbox.hubspot_values import iso

TYPES = {"bool", "date", "datetime", "enumeration", "number", "phone_number", "string"}
FIELD_TYPES = {
    "booleancheckbox",
    "calculation_equation",
    "checkbox",
    "date",
    "file",
    "html",
    "number",
    "phonenumber",
    "radio",
    "select",
    "text",
    "textarea",
}
MOST_UNIQUE = 10
_PLAIN = (
    "email",
    "firstname",
    "lastname",
    "phone",
    "mobilephone",
    "address",
    "city",
    "state",
    "zip",
    "country",
    "company",
    "jobtitle",
    "website",
    "fax",
    "date_of_birth",
    "gender",
)
_READ_ONLY = (
    "hs_object_id",
    "createdate",
    "lastmodifieddate",
    "hs_marketable_status",
    "hs_merged_object_ids",
    "hs_additional_emails",
)
STAGES = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
)
_ENUMS = {"lifecyclestage": STAGES, "hs_language": ("ja", "en", "en-us", "zh"), "hs_timezone": ("asia_slash_tokyo",)}
_CHANGEABLE = ("label", "type", "fieldType", "groupName", "description", "options", "hidden", "formField")


@dataclass
class _Property:
    definition: dict[str, Any]
    visible_from: datetime
    archived: bool = False


@dataclass
class _Group:
    definition: dict[str, Any]
    visible_from: datetime = field(kw_only=True)


class Properties:
    """Safe to use from any thread. A new property or group can be read only a moment after it was made."""

    def __init__(self, config: SandboxConfig, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._clock = clock
        self._lock = threading.RLock()
        self._properties: dict[str, _Property] = {}
        self._groups: dict[str, _Group] = {}
        self.reset()

    def reset(self) -> None:
        """Only what every portal has."""
        long_ago = self._clock() - timedelta(days=365)
        with self._lock:
            self._groups = {
                "contactinformation": _Group(
                    {
                        "name": "contactinformation",
                        "label": "Contact information",
                        "displayOrder": 0,
                        "archived": False,
                    },
                    visible_from=long_ago,
                )
            }
            self._properties.clear()
            for name in [*_PLAIN, *_READ_ONLY, *_ENUMS]:
                options = [{"label": value, "value": value} for value in _ENUMS.get(name, ())]
                given = {
                    "label": name,
                    "type": "enumeration" if options else "string",
                    "fieldType": "select" if options else "text",
                    "groupName": "contactinformation",
                    "options": options,
                }
                definition = self._complete(name, given, long_ago)
                definition |= {"hubspotDefined": True, "readOnly": name in _READ_ONLY}
                self._properties[name] = _Property(definition, long_ago)

    def definition(self, name: str) -> Mapping[str, Any] | None:
        """The property as values are checked against it, or None if it does not exist (yet, or any more)."""
        with self._lock:
            found = self._properties.get(name)
            if found is None or found.archived or found.visible_from > self._clock():
                return None
            return found.definition

    def is_unique(self, name: str) -> bool:
        """Whether records can be found and upserted by this property."""
        definition = self.definition(name)
        return definition is not None and (name == "email" or bool(definition["hasUniqueValue"]))

    def unique_names(self) -> list[str]:
        """The custom properties no two contacts may share a value of."""
        with self._lock:
            return [name for name, one in self._properties.items() if one.definition["hasUniqueValue"]]

    def listed(self) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(one.definition) for name, one in self._properties.items() if self.definition(name)]

    def get(self, name: str) -> dict[str, Any]:
        """One definition. Raises `Refused` 404."""
        definition = self.definition(name)
        if definition is None:
            raise Refused(404, "OBJECT_NOT_FOUND", f"Could not find property with name: {name}")
        return dict(definition)

    def create(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """A new property, or an archived one brought back. Raises `Refused` 400 or 409."""
        self._check(sent)
        name = str(sent["name"])
        now = self._clock()
        with self._lock:
            found = self._properties.get(name)
            if found is not None and not found.archived:
                raise Refused(
                    409,
                    "OBJECT_ALREADY_EXISTS",
                    f"A property named '{name}' already exists.",
                    subCategory="Properties.PROPERTY_WITH_NAME_EXISTS",
                )
            if sent["groupName"] not in self._groups:
                raise invalid_input(f"Property group {sent['groupName']} does not exist")
            if found is not None:
                return self._restore(found, sent, now)
            if sent.get("hasUniqueValue") and len(self.unique_names()) >= MOST_UNIQUE:
                raise invalid_input(f"You have reached the limit of {MOST_UNIQUE} unique properties")
            definition = self._complete(name, sent, now)
            self._properties[name] = _Property(definition, self._visible_from(now))
            return dict(definition)

    def change(self, name: str, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Only what was sent changes, but `options` are replaced as a whole. Name and uniqueness stay as they are."""
        with self._lock:
            definition = self.get(name)
            definition |= {key: value for key, value in sent.items() if key in _CHANGEABLE}
            definition["updatedAt"] = iso(self._clock())
            self._properties[name].definition = definition
            return dict(definition)

    def archive(self, name: str) -> None:
        """Out of sight; its name can be taken again, which restores it."""
        with self._lock:
            self.get(name)
            self._properties[name].archived = True

    def create_group(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        name, label = sent.get("name"), sent.get("label")
        if not isinstance(name, str) or not isinstance(label, str):
            raise invalid_input("Invalid input JSON: name and label are required")
        with self._lock:
            if name in self._groups:
                raise Refused(409, "OBJECT_ALREADY_EXISTS", f"A property group named '{name}' already exists.")
            definition = {
                "name": name,
                "label": label,
                "displayOrder": sent.get("displayOrder", -1),
                "archived": False,
            }
            self._groups[name] = _Group(definition, visible_from=self._visible_from(self._clock()))
            return definition

    def get_group(self, name: str) -> dict[str, Any]:
        """One group. Raises `Refused` 404."""
        with self._lock:
            found = self._groups.get(name)
            if found is None or found.visible_from > self._clock():
                raise Refused(404, "OBJECT_NOT_FOUND", f"Could not find property group with name: {name}")
            return found.definition

    def groups(self) -> list[dict[str, Any]]:
        with self._lock:
            return [one.definition for one in self._groups.values() if one.visible_from <= self._clock()]

    def _visible_from(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self._config.hubspot_property_lag_seconds)

    def _restore(self, found: _Property, sent: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        found.archived = False
        found.visible_from = self._visible_from(now)
        if self._config.hubspot_restores_posted_definition:
            created = found.definition["createdAt"]
            found.definition = {**self._complete(str(sent["name"]), sent, now), "createdAt": created}
        return dict(found.definition)

    @staticmethod
    def _check(sent: Mapping[str, Any]) -> None:
        for key in ("name", "label", "type", "fieldType", "groupName"):
            if not isinstance(sent.get(key), str) or not sent[key]:
                raise invalid_input(f"Invalid input JSON: {key} is required")
        if sent["type"] not in TYPES:
            raise invalid_input(f"Invalid type {sent['type']}")
        if sent["fieldType"] not in FIELD_TYPES:
            raise invalid_input(f"Invalid fieldType {sent['fieldType']}")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", sent["name"]):
            raise invalid_input("Property names may only contain lowercase letters, numbers and underscores")
        if sent["type"] == "enumeration" and not sent.get("options"):
            raise invalid_input("Enumeration properties must have options")

    @staticmethod
    def _complete(name: str, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        return {
            "updatedAt": iso(now),
            "createdAt": iso(now),
            "name": name,
            "label": given["label"],
            "type": given["type"],
            "fieldType": given["fieldType"],
            "description": given.get("description", ""),
            "groupName": given["groupName"],
            "options": list(given.get("options") or ()),
            "displayOrder": given.get("displayOrder", -1),
            "calculated": False,
            "externalOptions": False,
            "hasUniqueValue": bool(given.get("hasUniqueValue", False)),
            "hidden": bool(given.get("hidden", False)),
            "formField": bool(given.get("formField", False)),
            "dataSensitivity": given.get("dataSensitivity", "non_sensitive"),
            "archived": False,
        }
