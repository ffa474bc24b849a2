"""The contacts of one portal: identity, uniqueness, merges, and what the search index has seen so far. No HTTP here.

https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sandbox.config import SandboxConfig
from sandbox.hubspot_errors import Conflict, Refused, bad_value, bad_values, invalid_input, not_found
from sandbox.hubspot_properties import STAGES, Properties
from sandbox.hubspot_values import BadValue, clean_value, iso
from sandbox.writes import Writes

ALWAYS_SHOWN = ("hs_object_id", "createdate", "lastmodifieddate")
SHOWN_BY_DEFAULT = ("email", "firstname", "lastname", *ALWAYS_SHOWN)


@dataclass(frozen=True)
class Contact:
    """One contact; a change makes a new object, so that readers need no lock."""

    number: int
    values: Mapping[str, str]
    created: datetime
    updated: datetime
    before: tuple["Contact", ...] = field(default=(), repr=False)
    """Earlier states the search index may still show."""

    def emails(self) -> list[str]:
        """The address and the secondary addresses."""
        more = self.values.get("hs_additional_emails", "").split(";")
        return [address for address in (self.values.get("email", ""), *more) if address]

    def value(self, name: str) -> str | None:
        """One property, None when it is not set."""
        match name:
            case "hs_object_id":
                return str(self.number)
            case "createdate":
                return iso(self.created)
            case "lastmodifieddate":
                return iso(self.updated)
            case _:
                return self.values.get(name) or None

    def shown(self, names: Iterator[str] | tuple[str, ...] | list[str]) -> dict[str, Any]:
        """The record as answered, with these properties; one that is asked for and not set is null."""
        return {
            "id": str(self.number),
            "properties": {name: self.value(name) for name in dict.fromkeys((*names, *ALWAYS_SHOWN))},
            "createdAt": iso(self.created),
            "updatedAt": iso(self.updated),
            "archived": False,
        }


@dataclass(frozen=True)
class Written:
    """What a write did: the contact as it is now, whether it is new, and what HubSpot rewrote."""

    contact: Contact
    is_new: bool
    warnings: tuple[dict[str, Any], ...] = ()


class Contacts:
    """All contacts of the portal. Each method is one step under the lock and raises `Refused` when it refuses."""

    def __init__(self, config: SandboxConfig, clock: Callable[[], datetime], properties: Properties) -> None:
        self.writes: Writes | None = None
        self._config = config
        self._clock = clock
        self._properties = properties
        self._lock = threading.RLock()
        self._journal: list[tuple[int, Contact | None]] | None = None
        self._first_number = 501
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._by_number: dict[int, Contact] = {}
            self._by_email: dict[str, int] = {}
            self._by_unique: dict[tuple[str, str], int] = {}
            self._locked_until: dict[int, datetime] = {}
            self._blocked_emails: set[str] = set()
            self._next_number = self._first_number

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """What is written inside is taken back if the block ends in `Refused`."""
        with self._lock:
            self._journal = []
            try:
                yield
            except Refused:
                journal, self._journal = self._journal, None
                for number, before in reversed(journal):
                    self._put(number, before)
                raise
            finally:
                self._journal = None

    def all(self) -> list[Contact]:
        with self._lock:
            return [self._by_number[number] for number in sorted(self._by_number)]

    def find(self, key: str, id_property: str | None) -> Contact | None:
        """By record id, e-mail (a secondary one too) or custom unique property. Raises `Refused` 400 for others."""
        with self._lock:
            if id_property is None or id_property == "hs_object_id":
                return self._by_number.get(int(key)) if key.isascii() and key.isdigit() else None
            if not self._properties.is_unique(id_property):
                raise invalid_input(f"Unable to perform update/upsert by non-unique 0-1 property {id_property}")
            if id_property == "email":
                number = self._by_email.get(key.strip().lower())
            else:
                number = self._by_unique.get((id_property, key))
            return None if number is None else self._by_number[number]

    def create(self, sent: Mapping[str, Any]) -> Written:
        """A new contact. Raises `Refused`: bad values 400, an e-mail that is taken 409."""
        with self._lock:
            values, warnings = self._clean(sent)
            if not any(values.get(name) for name in ("email", "firstname", "lastname")):
                raise invalid_input("Contact must have at least one of the properties: email, firstname, lastname")
            self._demand_required(values)
            self._demand_unique(values, but_of=None)
            now = self._clock()
            number, self._next_number = self._next_number, self._next_number + 1
            contact = Contact(number, {name: value for name, value in values.items() if value}, now, now)
            self._put(number, contact)
            self._lock_record(number)
            return self._noted(Written(contact, is_new=True, warnings=warnings))

    def update(self, number: int, sent: Mapping[str, Any]) -> Written:
        """Only what was sent changes; `""` clears. Raises `Refused`: 400, 404, 409, and 423 while it is locked."""
        with self._lock:
            contact = self._by_number.get(number)
            if contact is None:
                raise not_found([str(number)])
            self._demand_unlocked(number)
            changes, warnings = self._clean(sent)
            changes = self._only_forward(contact, changes)
            values = {**contact.values, **changes}
            self._demand_conditional(values)
            self._demand_unique(changes, but_of=number)
            kept = {name: value for name, value in values.items() if value}
            changed = replace(contact, values=kept, updated=self._clock(), before=self._still_searched(contact))
            self._put(number, changed)
            self._lock_record(number)
            return self._noted(Written(changed, is_new=False, warnings=warnings))

    def upsert(self, key: str, id_property: str | None, sent: Mapping[str, Any]) -> Written:
        """Update what the key names, or create it with the key set."""
        with self._lock:
            found = self.find(key, id_property)
            if found is not None:
                return self.update(found.number, sent)
            if id_property is None or id_property == "hs_object_id":
                raise not_found([key])
            return self.create({id_property: key, **sent})

    def _noted(self, written: Written) -> Written:
        if self.writes:
            self.writes.note("hubspot", str(written.contact.number), written.contact.value("address"))
        return written

    def archive(self, number: int) -> None:
        """Away; nothing happens if it was not there."""
        with self._lock:
            if number in self._by_number:
                self._put(number, None)

    def merge(self, primary: int, other: int) -> Contact:
        """One contact out of two, under a new id (or the primary's). One value of each unique property survives."""
        with self._lock:
            kept, lost = self._by_number.get(primary), self._by_number.get(other)
            if kept is None or lost is None or primary == other:
                raise not_found([str(primary), str(other)])
            more = [address for address in (*kept.emails()[1:], *lost.emails()) if address not in kept.emails()[:1]]
            values = {**lost.values, **kept.values}
            if kept.values.get("email") and more:
                values["hs_additional_emails"] = ";".join(dict.fromkeys(more))
            values["hs_merged_object_ids"] = f"{primary};{other}"
            self._put(primary, None)
            self._put(other, None)
            number = primary
            if not self._config.hubspot_merge_keeps_id:
                number, self._next_number = self._next_number, self._next_number + 1
            merged = Contact(number, values, kept.created, self._clock())
            self._put(number, merged)
            return merged

    def forget(self, key: str, id_property: str | None) -> None:
        """GDPR delete. By e-mail, the address can never be used again, also when no contact had it."""
        with self._lock:
            found = self.find(key, id_property)
            if id_property == "email":
                self._blocked_emails.add(key.strip().lower())
            elif found is None:
                raise not_found([key])
            if found is not None:
                self._put(found.number, None)

    def searchable(self) -> list[Contact]:
        """The contacts as the search index knows them: some seconds behind."""
        seen_until = self._clock() - timedelta(seconds=self._config.hubspot_search_lag_seconds)
        with self._lock:
            states = [next((s for s in (c, *c.before) if s.updated <= seen_until), None) for c in self.all()]
        return [state for state in states if state is not None]

    def seed(self, given: Mapping[str, Any]) -> Contact:
        """Put a contact there that was there before us; only uniqueness is checked.

        Takes properties, flat or under `properties`; `id` and `hs_additional_emails` may be given too.
        """
        values = {
            str(name): str(value)
            for name, value in dict(given.get("properties", given)).items()
            if name not in {"id", "properties"} and value
        }
        if "email" in values:
            values["email"] = values["email"].strip().lower()
        if "hs_additional_emails" in values:
            values["hs_additional_emails"] = values["hs_additional_emails"].lower()
        long_ago = self._clock() - timedelta(days=30)
        with self._lock:
            number = int(given.get("id") or self._next_number)
            if number in self._by_number:
                raise invalid_input(f"Record {number} is there already")
            self._next_number = max(self._next_number, number + 1)
            contact = Contact(number, values, long_ago, long_ago)
            self._demand_unique(values, but_of=None)
            self._put(number, contact)
            return contact

    def _clean(self, sent: Mapping[str, Any]) -> tuple[dict[str, str], tuple[dict[str, Any], ...]]:
        values: dict[str, str] = {}
        complaints: list[dict[str, Any]] = []
        warnings: list[dict[str, Any]] = []
        for name, value in sent.items():
            definition = self._properties.definition(name)
            if definition is None:
                complaints.append(bad_value("PROPERTY_DOESNT_EXIST", name, f'Property "{name}" does not exist'))
                continue
            try:
                values[name], warning = clean_value(definition, value)
                self._obey_rules(name, values[name])
            except BadValue as bad:
                complaints.append(bad.complaint)
            else:
                warnings += [warning] if warning else []
        if complaints:
            raise bad_values(complaints, self._config.hubspot_portal_id, self._config.hubspot_value_words)
        if values.get("email") in self._blocked_emails:
            raise invalid_input("The email has been GDPR blacklisted")
        return values, tuple(warnings)

    def _obey_rules(self, name: str, value: str) -> None:
        for ruled, pattern, code in self._config.hubspot_value_rules:
            if ruled == name and not re.fullmatch(pattern, value):
                raise BadValue(code, name, f"{value} does not fit the rules of {name}.")

    def _demand_required(self, values: Mapping[str, str]) -> None:
        for name in self._config.hubspot_required_properties:
            if not values.get(name):
                raise _missing("MISSING_REQUIRED_PROPERTY", name)
        self._demand_conditional(values)

    def _demand_conditional(self, values: Mapping[str, str]) -> None:
        for trigger, name in self._config.hubspot_conditional_required:
            if values.get(trigger) and not values.get(name):
                raise _missing("MISSING_CONDITIONAL_REQUIRED_PROPERTY", name)

    def _demand_unique(self, values: Mapping[str, str], but_of: int | None) -> None:
        owner = self._by_email.get(values.get("email", ""), but_of)
        if owner is not None and owner != but_of:
            raise Conflict(owner, text_names_id=self._config.hubspot_conflict_text_names_id)
        for name in self._properties.unique_names():
            value = values.get(name)
            owner = self._by_unique.get((name, value), but_of) if value else but_of
            if owner is not None and owner != but_of:
                words = f"{owner} already has that value."
                complaint = bad_value("CONFLICTING_UNIQUE_VALUE", name, words)
                raise bad_values([complaint], self._config.hubspot_portal_id)

    def _demand_unlocked(self, number: int) -> None:
        until = self._locked_until.get(number)
        if until is not None and self._clock() < until:
            raise Refused(423, "RECORD_LOCKED", f"Contact {number} is locked by another write. Try again.")

    def _lock_record(self, number: int) -> None:
        if self._config.hubspot_lock_seconds:
            self._locked_until[number] = self._clock() + timedelta(seconds=self._config.hubspot_lock_seconds)

    @staticmethod
    def _only_forward(contact: Contact, changes: dict[str, str]) -> dict[str, str]:
        """A lifecycle stage goes back only by being cleared first; otherwise the value is left as it was."""
        old, new = contact.values.get("lifecyclestage"), changes.get("lifecyclestage")
        if old in STAGES and new in STAGES and STAGES.index(new) < STAGES.index(old):
            return {name: value for name, value in changes.items() if name != "lifecyclestage"}
        return changes

    def _still_searched(self, contact: Contact) -> tuple[Contact, ...]:
        """The earlier states that a lagging index may need: all younger than the lag, and one older."""
        seen_until = self._clock() - timedelta(seconds=self._config.hubspot_search_lag_seconds)
        kept: list[Contact] = []
        for state in (contact, *contact.before):
            kept.append(replace(state, before=()))
            if state.updated <= seen_until:
                break
        return tuple(kept)

    def _put(self, number: int, contact: Contact | None) -> None:
        """The only place where anything is stored, taken away or found again."""
        before = self._by_number.pop(number, None)
        if self._journal is not None:
            self._journal.append((number, before))
        if before is not None:
            for address in before.emails():
                self._by_email.pop(address, None)
            for name in self._properties.unique_names():
                self._by_unique.pop((name, before.values.get(name, "")), None)
        if contact is not None:
            self._by_number[number] = contact
            for address in contact.emails():
                self._by_email[address] = number
            for name in self._properties.unique_names():
                if contact.values.get(name):
                    self._by_unique[name, contact.values[name]] = number


def _missing(code: str, name: str) -> Refused:
    message = f"Required property {name} is missing"
    return Refused(
        400,
        "VALIDATION_ERROR",
        message,
        {"propertyName": [name]},
        [{"message": message, "code": code, "context": {"propertyName": [name]}}],
        subCategory=code,
    )
