"""How HubSpot says no: one refusal, told as an answer of its own or as a row inside a 207.

https://developers.hubspot.com/docs/api-reference/error-handling
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.config import ValueWords


class Refused(Exception):
    """A call or a row HubSpot will not do. `context` names what it is about, in lists."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        context: Mapping[str, list[str]] | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        **more: Any,
    ) -> None:
        super().__init__(status, category)
        self.status = status
        self.category = category
        self.message = message
        self.context = dict(context or {})
        self.errors = list(errors)
        self.more = more
        self.headers: dict[str, str] = {}

    def body(self) -> dict[str, Any]:
        """The whole answer."""
        said: dict[str, Any] = {"status": "error", "message": self.message, "correlationId": str(uuid.uuid4())}
        if self.context:
            said["context"] = self.context
        if self.errors:
            said["errors"] = self.errors
        return {**said, "category": self.category, **self.more}

    def row(self, trace_id: str | None) -> dict[str, Any]:
        """One of `errors[]` in a 207, naming its input by trace id, or by `context.ids` where the vendor does so."""
        context = dict(self.context)
        if trace_id is not None:
            context = {"objectWriteTraceId": [trace_id], **context}
        said = {"status": "error", "category": self.category, "message": self.message, "context": context}
        return {**said, "errors": self.errors} if self.errors else said


class Conflict(Refused):
    """The e-mail belongs to another contact."""

    def __init__(self, existing_id: int, *, text_names_id: bool) -> None:
        self.existing_id = existing_id
        self.text_names_id = text_names_id
        named = f"Contact already exists. Existing ID: {existing_id}"
        super().__init__(409, "CONFLICT", named, {"existingId": [str(existing_id)]})

    def body(self) -> dict[str, Any]:
        """One of the two forms that are known."""
        said = super().body()
        if self.text_names_id:
            return {name: value for name, value in said.items() if name != "context"}
        return {
            "status": "error",
            "message": "Contact already exists",
            "error": "CONTACT_EXISTS",
            "category": "OBJECT_ALREADY_EXISTS",
            "identityProfile": {},
            "errors": [{"message": "Contact already exists", "in": "email"}],
        }


def invalid_input(message: str, **context: list[str]) -> Refused:
    """400 for a call that is not built as the reference says."""
    return Refused(400, "VALIDATION_ERROR", message, context)


def not_found(ids: Sequence[str]) -> Refused:
    """404, or the row of a 207 that lists every record that was not there."""
    return Refused(
        404,
        "OBJECT_NOT_FOUND",
        "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.",
        {"ids": list(ids)},
    )


def bad_value(code: str, name: str, message: str) -> dict[str, Any]:
    """One complaint about one property value."""
    return {"isValid": False, "message": message, "error": code, "name": name, "localizedErrorMessage": message}


def bad_values(complaints: Sequence[Mapping[str, Any]], portal_id: int, words: ValueWords = "both") -> Refused:
    """400 whose message holds the complaints as JSON, and whose `errors` hold them once more; see `ValueWords`."""
    told = [{**complaint, "portalId": portal_id} for complaint in complaints]
    if words == "context":
        names = [one["name"] for one in complaints]
        return Refused(400, "VALIDATION_ERROR", "プロパティ値が有効ではありません。", {"propertyName": names})
    inside = f": {json.dumps(told, separators=(',', ':'), ensure_ascii=False)}"
    return Refused(
        400,
        "VALIDATION_ERROR",
        f"Property values were not valid{'' if words == 'errors' else inside}",
        errors=[
            {"message": one["message"], "code": one["error"], "context": {"propertyName": [one["name"]]}}
            for one in complaints
            if words != "message"
        ],
    )


def missing_scopes(scope: str) -> Refused:
    """403 with the scope that was needed."""
    return Refused(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call.",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": [scope]},
            }
        ],
    )


RATE_LIMIT_BODIES: dict[str, dict[str, Any]] = {
    "ten_secondly": {
        "status": "error",
        "message": "You have reached your ten_secondly_rolling limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": "00000000-0000-0000-0000-000000000000",
        "policyName": "TEN_SECONDLY_ROLLING",
        "groupName": "publicapi:private-apps:api-calls:sandbox",
    },
    "daily": {
        "status": "error",
        "message": "You have reached your daily limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": "00000000-0000-0000-0000-000000000000",
        "policyName": "DAILY",
    },
    "search": {"status": "error", "message": "You have reached your secondly limit.", "errorType": "RATE_LIMIT"},
}
"""The three bodies of a 429; also of use as the `body` of a fault."""
