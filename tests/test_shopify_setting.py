"""The setting SHOPIFY_METAFIELDS: read, or refused with the mend."""

from __future__ import annotations

import re

import pytest

from clients.shopify.setting import read_metafields_setting


def test_each_field_of_ours_is_mapped_to_a_namespace_and_a_key() -> None:
    text = (
        "last_kana=custom.last_name_kana, first_kana = custom.first_name_kana,\n"
        "birth_date=facts.birth_date,gender=$app:profile.gender,"
    )
    assert read_metafields_setting(text) == {
        "last_kana": ("custom", "last_name_kana"),
        "first_kana": ("custom", "first_name_kana"),
        "birth_date": ("facts", "birth_date"),
        "gender": ("$app:profile", "gender"),
    }


def test_nothing_configured_asks_for_no_metafield() -> None:
    assert read_metafields_setting(" ") == {}


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("last_kana", "has no '='"),
        ("last_kana:custom.kana", "has no '='"),
        ("kana=custom.kana", "use one of last_kana, first_kana, birth_date, gender"),
        ("gender=custom.a,gender=custom.b", "keep one"),
        ("gender=custom", "has no namespace"),
        ("gender=", "has no namespace"),
        ("gender=.key", "no namespace and key"),
        ("gender=custom.", "no namespace and key"),
        ('gender=custom.a") { value } x: metafield(namespace: "b', "no namespace and key"),
        ("gender=属性.性別", "no namespace and key"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_mend(text: str, mend: str) -> None:
    with pytest.raises(ValueError, match=re.escape(mend)):
        read_metafields_setting(text)
