"""The contact properties that are ours: what `flask hubspot setup` creates, and what is checked before the first write.

https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

GROUP: Final = "shopify_sync"
CUSTOMER_ID: Final = "shopify_customer_id"
EMAIL_RAW: Final = "shopify_email_raw"
UPDATED_AT: Final = "shopify_updated_at"

STANDARD: Final = frozenset(
    {"email", "firstname", "lastname", "phone", "mobilephone", "address", "city", "state", "zip", "country"}
    | {"company", "jobtitle", "website", "fax"}
)
"""Those that every portal has; the ones we fill are among them."""


@dataclass(frozen=True, slots=True)
class Property:
    """One property of ours. ``also`` are other types that would do, should the portal have it so already."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    unique: bool = False
    also: tuple[str, ...] = ()

    @property
    def definition(self) -> dict[str, Any]:
        """What HubSpot is told to create it."""
        told: dict[str, Any] = {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "groupName": GROUP,
        }
        if self.unique:
            told["hasUniqueValue"] = True
        return told

    def what_is_wrong(self, found: Mapping[str, Any]) -> str | None:
        """Why the property as HubSpot has it cannot serve; None when it can. Labels and form fields do not matter."""
        if found.get("type") not in (self.type, *self.also):
            return f"type is {str(found.get('type'))[:40]}, must be {self.type}"
        if self.unique and found.get("hasUniqueValue") is not True:
            return "values are not unique, must be (hasUniqueValue)"
        return None


PROPERTIES: Final[tuple[Property, ...]] = (
    # A string, because ids exceed 2^31. Uniqueness can be chosen at creation only, and 10 properties may have it.
    Property(CUSTOMER_ID, "Shopify customer ID", unique=True),
    Property("shopify_last_name_kana", "Shopify last name (kana)"),
    Property("shopify_first_name_kana", "Shopify first name (kana)"),
    # HubSpot's own date_of_birth and gender were made for Facebook lead ads and differ from portal to portal.
    Property("shopify_birth_date", "Shopify birth date", type="date", field_type="date"),
    Property("shopify_gender", "Shopify gender", also=("enumeration",)),
    Property("shopify_email_consent", "Shopify e-mail consent", also=("enumeration",)),
    Property("shopify_tags", "Shopify tags"),
    Property(EMAIL_RAW, "Shopify e-mail HubSpot does not take"),
    Property("shopify_orders_count", "Shopify number of orders", type="number", field_type="number"),
    Property("shopify_amount_spent", "Shopify amount spent", type="number", field_type="number"),
    Property("shopify_currency", "Shopify currency", also=("enumeration",)),
    Property("shopify_last_order_at", "Shopify last order", type="datetime", field_type="date"),
    Property(UPDATED_AT, "Shopify last change", type="datetime", field_type="date"),
)

NAMES: Final = STANDARD | {each.name for each in PROPERTIES}
"""Every name that may stand for a property, where HubSpot's words alone name one."""
