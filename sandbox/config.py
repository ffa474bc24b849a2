"""How the sandbox behaves: one frozen object, whose defaults are good for the demo."""

from dataclasses import dataclass
from typing import Literal

ConflictMode = Literal["row", "batch"]
ValueWords = Literal["both", "message", "errors", "context"]
IdKind = Literal["string", "number", "alternating"]


@dataclass(frozen=True)
class SandboxConfig:
    """Identities, credentials and the switches of every trap. A rate of `None` means "no limit"."""

    seed: int = 7
    """Feeds every random choice (shuffled rows, shares of faults), so that a run can be repeated."""

    # The shop
    shop: str = "example.myshopify.com"
    webhook_url: str = "http://127.0.0.1:8000/webhooks/shopify"
    webhook_secret: str = "sandbox-webhook-secret"  # noqa: S105 - invented
    shopify_access_token: str = "shpat_sandbox"  # noqa: S105 - invented
    shopify_client_id: str = "sandbox-shopify-client"
    shopify_client_secret: str = "sandbox-shopify-secret"  # noqa: S105 - invented
    shopify_token_life_seconds: int = 86_399
    shopify_points_maximum: float = 2000.0
    shopify_points_per_second: float | None = 100.0
    shopify_webhook_retry_seconds: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)

    # The POS
    contract_id: str = "sb_demo"
    smaregi_client_id: str = "sandbox-smaregi-client"
    smaregi_client_secret: str = "sandbox-smaregi-secret"  # noqa: S105 - invented
    smaregi_token_life_seconds: int = 3600
    smaregi_reads_per_second: int | None = 50
    smaregi_writes_per_second: int | None = 20
    smaregi_retry_after: str | None = "1"
    smaregi_required_columns: tuple[str, ...] = ()
    smaregi_store_ids: tuple[str, ...] = ("1", "2", "3")
    smaregi_ranks: tuple[str, ...] = ("1", "2", "3")
    smaregi_refuses_4_byte_characters: bool = True
    smaregi_members_in_plan: bool = True
    smaregi_id_in_create_answer: IdKind = "alternating"
    smaregi_create_status: int = 200
    smaregi_delete_status: int = 200

    # The CRM
    hubspot_token: str = "pat-na1-sandbox"  # noqa: S105 - invented
    hubspot_portal_id: int = 4_900_001
    hubspot_time_zone: str = "Asia/Tokyo"
    hubspot_utc_offset_hours: int = 9
    """The same zone as a number: the daily quota starts anew at midnight there."""
    hubspot_granted_scopes: tuple[str, ...] = (
        "crm.objects.contacts.read",
        "crm.objects.contacts.write",
        "crm.schemas.contacts.read",
        "crm.schemas.contacts.write",
    )
    hubspot_calls_per_10_seconds: int | None = 190
    hubspot_calls_per_day: int | None = 625_000
    hubspot_searches_per_second: int | None = 5
    hubspot_retry_after: str | None = None
    """Not documented on their 429: sent only when set."""
    hubspot_conflict_mode: ConflictMode = "row"
    """With trace ids, a conflicting row is either a row of the 207 or a 409 for the whole batch: not known which."""
    hubspot_conflict_text_names_id: bool = True
    """The two known bodies of a 409: "Existing ID: 123", or CONTACT_EXISTS without the id."""
    hubspot_omit_trace_ids: bool = False
    """Whether successful rows come back without the `objectWriteTraceId` they were sent with."""
    hubspot_search_lag_seconds: float = 5.0
    hubspot_property_lag_seconds: float = 0.3
    hubspot_lock_seconds: float = 0.0
    """How long a record stays locked after a write; another write within that time gets 423. HubSpot's own is 2."""
    hubspot_merge_keeps_id: bool = False
    """Whether the survivor of a merge keeps the primary's id (their beta) or gets a new one."""
    hubspot_restores_posted_definition: bool = False
    """Whether creating an archived property takes the posted definition or brings back the old one: reports differ."""
    hubspot_required_properties: tuple[str, ...] = ()
    """Admin rule "required on the create form", enforced since 2026-09."""
    hubspot_conditional_required: tuple[tuple[str, str], ...] = ()
    """Admin rules (if this property is set, that one is required), enforced since 2026-09."""
    hubspot_value_rules: tuple[tuple[str, str, str], ...] = ()
    """Admin rules (property, pattern, code): a value that the pattern does not match whole is refused by the code."""
    hubspot_value_words: ValueWords = "both"
    """How refused values are told: as JSON in `message` and as `errors`, as one of the two, or by `propertyName` in
    `context` beside Japanese words without a code."""
