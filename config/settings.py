"""Every setting, read once from the environment (and `.env`) into one frozen object; a wrong one stops the start.

`.env.example` lists the same names with a sentence each; a test keeps the two together.
"""

from __future__ import annotations

import os
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_LEAST_SECRET = 24


class WrongSetting(Exception):
    """One or more settings are wrong; the text names each with the mend and shows no value."""


def _blank_is_unset(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _no_slash(value: Any) -> Any:
    return value.strip().rstrip("/") if isinstance(value, str) else value


def _days(default: int) -> BeforeValidator:
    """A number of days, or ``forever`` (None here). 0 is refused: it could mean "none" as well as "for ever"."""

    def days(value: Any) -> Any:
        text = str(default if value is None else value).strip().lower() or str(default)
        if text == "forever":
            return None
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 36500:
            raise ValueError("it is not a number of days")
        return int(text)

    return BeforeValidator(days)


Text = Annotated[str | None, BeforeValidator(_blank_is_unset)]
Secret = Annotated[SecretStr | None, BeforeValidator(_blank_is_unset)]
Rate = Annotated[Annotated[float, Field(gt=0, le=1000)] | None, BeforeValidator(_blank_is_unset)]


class Settings(BaseSettings):
    """The service's settings; see the table in the README for each."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", frozen=True, extra="ignore")

    shopify_shop: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*\.myshopify\.com$")
    shopify_webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
    shopify_access_token: Secret = None
    shopify_client_id: Text = None
    shopify_client_secret: Secret = None
    # https://shopify.dev/docs/api/usage/versioning : a version a quarter, each living for a year at least.
    shopify_api_version: str = Field("2026-10", pattern=r"^20\d\d-(01|04|07|10)$")
    shopify_api_url: Text = None
    shopify_metafields: str = (
        "last_kana=custom.last_name_kana,first_kana=custom.first_name_kana,"
        "birth_date=facts.birth_date,gender=custom.gender"
    )

    smaregi_contract_id: Text = None
    smaregi_client_id: Text = None
    smaregi_client_secret: Secret = None
    smaregi_api_url: str = Field("https://api.smaregi.jp", pattern=r"^https?://")
    smaregi_auth_url: str = Field("https://id.smaregi.jp", pattern=r"^https?://")
    smaregi_matched_member: Literal["keep_code", "replace_code"] = "keep_code"
    smaregi_reads_per_second: Rate = None
    smaregi_writes_per_second: Rate = None

    hubspot_access_token: Secret = None
    hubspot_api_url: str = Field("https://api.hubapi.com", pattern=r"^https?://")
    hubspot_portal_id: Annotated[Annotated[int, Field(gt=0)] | None, BeforeValidator(_blank_is_unset)] = None

    enable_pos_sync: bool = True
    enable_crm_sync: bool = True
    enable_update_sync: bool = True
    missing_name: str = Field("未入力", min_length=1, max_length=20)

    enable_welcome_email: bool = False
    smtp_url: Secret = None
    mail_from: Text = None
    mail_templates: Text = None

    admin_notify_urls: Secret = None
    alert_after_failures: int = Field(3, ge=1, le=100)
    public_url: Annotated[
        Annotated[str, Field(pattern=r"^https?://[^\s/]+$")] | None,
        BeforeValidator(_no_slash),
        BeforeValidator(_blank_is_unset),
    ] = None

    console_password_hash: Secret = None
    console_view_password_hash: Secret = None
    secret_key: Secret = None
    status_api_token: Secret = None
    metrics_token: Secret = None

    data_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)] = ()
    keep_bodies_days: Annotated[int | None, _days(30)] = 30
    keep_attempts_days: Annotated[int | None, _days(180)] = 180

    database_url: str = Field("sqlite:///var/customer-sync.db", pattern=r"^(sqlite:///|postgresql(\+psycopg)?://)")
    log_format: Literal["auto", "json", "console"] = "auto"

    port: int = Field(8000, ge=1, le=65535)
    web_processes: Annotated[Annotated[int, Field(ge=1, le=64)] | None, BeforeValidator(_blank_is_unset)] = None
    web_threads: int = Field(8, ge=1, le=512)

    @field_validator("shopify_webhook_secrets")
    @classmethod
    def _no_placeholder(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not secrets:
            raise ValueError("it is empty")
        if any(len(secret.get_secret_value()) < 8 for secret in secrets):
            raise ValueError("each secret has 8 characters or more; copy it from Shopify whole")
        return secrets

    @field_validator("data_keys")
    @classmethod
    def _keys_are_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(not re.fullmatch(r"[A-Za-z0-9_-]{43}=", key.get_secret_value()) for key in keys):
            raise ValueError("each key is 44 characters long and ends with =")
        if len({key.get_secret_value() for key in keys}) < len(keys):
            raise ValueError("a key stands there twice")
        return keys

    @field_validator("shopify_metafields")
    @classmethod
    def _metafields_are_pairs(cls, text: str) -> str:
        fields = "last_kana|first_kana|birth_date|gender"
        for part in filter(None, (part.strip() for part in text.split(","))):
            if not re.fullmatch(rf"({fields})=[\w$-]+\.[\w-]+", part):
                raise ValueError(f"write {fields.replace('|', ', ')} as field=namespace.key, separated by commas")
        return text

    @field_validator("smtp_url")
    @classmethod
    def _smtp_url_is_one(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not re.match(r"^smtps?://[^\s]+$", url.get_secret_value()):
            raise ValueError("it is not the address of a mail server")
        return url

    @field_validator("console_password_hash", "console_view_password_hash")
    @classmethod
    def _hash_is_a_hash(cls, password: SecretStr | None) -> SecretStr | None:
        if password is not None and not re.fullmatch(
            r"(scrypt|pbkdf2):[\w:]+\$[^\s$]+\$[0-9a-f]+", password.get_secret_value()
        ):
            raise ValueError("it is not a password hash")
        return password

    @field_validator("secret_key", "status_api_token", "metrics_token")
    @classmethod
    def _is_long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < _LEAST_SECRET:
            raise ValueError(f"it has fewer than {_LEAST_SECRET} characters")
        return secret

    @model_validator(mode="after")
    def _doors_are_whole(self) -> Settings:
        if (self.console_password_hash or self.console_view_password_hash) and not self.secret_key:
            raise ValueError(
                "SECRET_KEY is not set, and the console's sessions are signed with it: write a long random text"
            )
        if self.console_view_password_hash and not self.console_password_hash:
            raise ValueError("CONSOLE_VIEW_PASSWORD_HASH is set and CONSOLE_PASSWORD_HASH is not; set it too")
        if self.enable_welcome_email:
            _all_or_none(ENABLE_WELCOME_EMAIL=True, SMTP_URL=self.smtp_url, MAIL_FROM=self.mail_from)
        return self

    @model_validator(mode="after")
    def _credentials_are_whole(self) -> Settings:
        _all_or_none(
            SHOPIFY_CLIENT_ID=self.shopify_client_id,
            SHOPIFY_CLIENT_SECRET=self.shopify_client_secret,
        )
        _all_or_none(
            SMAREGI_CONTRACT_ID=self.smaregi_contract_id,
            SMAREGI_CLIENT_ID=self.smaregi_client_id,
            SMAREGI_CLIENT_SECRET=self.smaregi_client_secret,
        )
        return self

    @property
    def on_postgresql(self) -> bool:
        """Whether the ledger is in PostgreSQL (several web processes pay there, and hurt on SQLite)."""
        return self.database_url.startswith("postgresql")

    @property
    def smaregi_rates(self) -> tuple[float, float]:
        """Reads and writes per second: four fifths of the vendor's limit, lower on their ``.dev`` hosts.

        https://community.smaregi.dev/discussion/518 : the limit is per app and contract, for all stores together.
        """
        reads, writes = (8.0, 3.0) if ".dev" in self.smaregi_api_url else (40.0, 16.0)
        return self.smaregi_reads_per_second or reads, self.smaregi_writes_per_second or writes

    @property
    def lanes_off(self) -> dict[str, str]:
        """The lanes that are switched off or lack a credential, each with the reason in words."""
        off = {}
        if self.shopify_access_token is None and self.shopify_client_id is None:
            off["shopify"] = "SHOPIFY_ACCESS_TOKEN is not set"
        if not self.enable_pos_sync:
            off["smaregi"] = "ENABLE_POS_SYNC is false"
        elif self.smaregi_client_id is None:
            off["smaregi"] = "SMAREGI_CLIENT_ID is not set"
        if not self.enable_crm_sync:
            off["hubspot"] = "ENABLE_CRM_SYNC is false"
        elif self.hubspot_access_token is None:
            off["hubspot"] = "HUBSPOT_ACCESS_TOKEN is not set"
        if not self.enable_welcome_email:
            off["mail"] = "ENABLE_WELCOME_EMAIL is false"
        return off


def _all_or_none(**together: object) -> None:
    unset = [name for name, value in together.items() if value is None]
    if unset and len(unset) < len(together):
        raise ValueError(f"{', '.join(together)} go together; set {' and '.join(unset)} too")


_MENDS = {
    "ALERT_AFTER_FAILURES": "write a number from 1 to 100",
    "CONSOLE_PASSWORD_HASH": "write what flask console hash-password has printed",
    "CONSOLE_VIEW_PASSWORD_HASH": "write what flask console hash-password has printed",
    "METRICS_TOKEN": "write a long random text",
    "PUBLIC_URL": "write where this service is reached, as in https://sync.example.jp",
    "SECRET_KEY": "write a long random text",
    "SMTP_URL": "write smtp://user:password@host:587 or smtps://user:password@host:465",
    "STATUS_API_TOKEN": "write a long random text",
    "DATA_KEYS": "write keys that flask keys new has printed, separated by commas, the newest first",
    "KEEP_BODIES_DAYS": "write a number of days from 1 on, or forever",
    "KEEP_ATTEMPTS_DAYS": "write a number of days from 1 on, or forever",
    "SHOPIFY_SHOP": "set it to the shop's own domain, as in example.myshopify.com",
    "SHOPIFY_WEBHOOK_SECRETS": "set the signing secrets, separated by commas: without one nothing could be believed",
    "SHOPIFY_API_VERSION": "write a released version, as in 2026-10",
    "DATABASE_URL": "write sqlite:///var/customer-sync.db or postgresql://user:password@host/database",
    "SMAREGI_MATCHED_MEMBER": "write keep_code or replace_code",
}


def read_settings(**given: Any) -> Settings:
    """The settings of this process. Raises ``WrongSetting``; no value is ever shown, for it may be a secret."""
    if os.environ.get("FLASK_SKIP_DOTENV"):  # Flask's own word for "leave .env alone"
        given.setdefault("_env_file", None)
    try:
        return Settings(**given)
    except ValidationError as e:
        lines = []
        for problem in e.errors(include_url=False, include_context=False, include_input=False):
            name = ".".join(str(part) for part in problem["loc"][:1]).upper()
            said = problem["msg"].removeprefix("Value error, ")
            if not name:
                lines.append(f"  {said}")
            elif problem["type"] == "missing":
                lines.append(f"  {name} is not set: {_MENDS.get(name, 'set it')}")
            else:
                lines.append(f"  {name} is wrong: {said}; {_MENDS.get(name, 'mend it')}")
        raise WrongSetting("these settings stop the start (environment or .env):\n" + "\n".join(lines)) from None
