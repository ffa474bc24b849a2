"""Settings: each has its line in `.env.example`, and a wrong one stops the start with its name and the mend."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from config.settings import Settings, WrongSetting, read_settings

ROOT = Path(__file__).parent.parent
GOOD: dict[str, Any] = {
    "shopify_shop": "example.myshopify.com",
    "shopify_webhook_secrets": "an-invented-secret",
    "_env_file": None,
}


def test_every_setting_stands_in_the_example_and_none_that_does_not_exist() -> None:
    text = (ROOT / ".env.example").read_text()
    named = set(re.findall(r"^([A-Z_]+)=", text, re.MULTILINE))
    assert named == {name.upper() for name in Settings.model_fields}


def test_every_setting_stands_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    assert [name for name in Settings.model_fields if f"`{name.upper()}`" not in text] == []


def test_the_example_is_good_once_the_secret_is_filled_in(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    example = (ROOT / ".env.example").read_text()
    env.write_text(example.replace("SHOPIFY_WEBHOOK_SECRETS=", "SHOPIFY_WEBHOOK_SECRETS=an-invented-secret"))
    settings = read_settings(_env_file=env)
    assert set(settings.lanes_off) == {"shopify", "smaregi", "hubspot", "mail"}
    assert settings.smaregi_rates == (40.0, 16.0)


@pytest.mark.parametrize(
    ("wrong", "name", "mend"),
    [
        ({"shopify_shop": "shop.example.jp"}, "SHOPIFY_SHOP", "example.myshopify.com"),
        ({"shopify_webhook_secrets": ""}, "SHOPIFY_WEBHOOK_SECRETS", "signing secrets"),
        ({"shopify_webhook_secrets": "good-secret-1,short"}, "SHOPIFY_WEBHOOK_SECRETS", "8 characters"),
        ({"shopify_api_version": "2026-13"}, "SHOPIFY_API_VERSION", "2026-10"),
        ({"shopify_metafields": "kana=custom"}, "SHOPIFY_METAFIELDS", "field=namespace.key"),
        ({"smaregi_matched_member": "keep"}, "SMAREGI_MATCHED_MEMBER", "replace_code"),
        ({"smaregi_client_id": "id"}, "SMAREGI_CONTRACT_ID", "go together"),
        ({"shopify_client_id": "id"}, "SHOPIFY_CLIENT_SECRET", "go together"),
        ({"database_url": "mysql://x"}, "DATABASE_URL", "postgresql://"),
        ({"enable_pos_sync": "perhaps"}, "ENABLE_POS_SYNC", "boolean"),
        ({"smaregi_writes_per_second": "0"}, "SMAREGI_WRITES_PER_SECOND", "greater than 0"),
        ({"smtp_url": "mail.example.jp"}, "SMTP_URL", "smtp://user"),
        ({"enable_welcome_email": "true", "mail_from": "a@example.jp"}, "SMTP_URL", "go together"),
        ({"public_url": "sync.example.jp"}, "PUBLIC_URL", "https://sync.example.jp"),
        ({"alert_after_failures": "0"}, "ALERT_AFTER_FAILURES", "from 1"),
        ({"console_password_hash": "my-password"}, "CONSOLE_PASSWORD_HASH", "flask console hash-password"),
        ({"console_password_hash": "scrypt:32768:8:1$salt$0a0b"}, "SECRET_KEY", "long random text"),
        ({"secret_key": "short"}, "SECRET_KEY", "long random text"),
        ({"status_api_token": "short"}, "STATUS_API_TOKEN", "long random text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_setting_is_named_with_its_mend(wrong: dict[str, Any], name: str, mend: str) -> None:
    with pytest.raises(WrongSetting) as e:
        read_settings(**{**GOOD, **wrong})
    assert name in str(e.value)
    assert mend in str(e.value)


def test_no_secret_is_shown_when_a_setting_is_wrong() -> None:
    with pytest.raises(WrongSetting) as e:
        read_settings(**{**GOOD, "shopify_webhook_secrets": "short,a-long-enough-secret", "database_url": "x://p4ss@h"})
    assert "a-long-enough-secret" not in str(e.value)
    assert "p4ss" not in str(e.value)
    assert "a-long-enough" not in repr(read_settings(**{**GOOD, "shopify_webhook_secrets": "a-long-enough-secret"}))


def test_without_a_webhook_secret_the_web_process_does_not_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHOPIFY_SHOP", "example.myshopify.com")
    with pytest.raises(SystemExit, match="SHOPIFY_WEBHOOK_SECRETS is not set"):
        create_app()


@pytest.mark.parametrize(
    ("given", "off"),
    [
        ({}, {"shopify", "smaregi", "hubspot"}),
        ({"shopify_access_token": "shpat_x"}, {"smaregi", "hubspot"}),
        ({"hubspot_access_token": "pat-x"}, {"shopify", "smaregi"}),
        ({"hubspot_access_token": "pat-x", "enable_crm_sync": "false"}, {"shopify", "smaregi", "hubspot"}),
        (
            {"smaregi_contract_id": "sb_x", "smaregi_client_id": "a", "smaregi_client_secret": "b"},
            {"shopify", "hubspot"},
        ),
    ],
)
def test_a_lane_is_on_when_its_credential_is_set_and_its_switch_is_on(given: dict[str, Any], off: set[str]) -> None:
    assert set(read_settings(**{**GOOD, **given}).lanes_off) == off | {"mail"}


def test_smaregis_own_sandbox_gets_its_own_pace() -> None:
    assert read_settings(**{**GOOD, "smaregi_api_url": "https://api.smaregi.dev"}).smaregi_rates == (8.0, 3.0)
