"""The welcome letter: what it says to whom, the merchant's own templates, and a barcode that a till can read."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.errors import StopLane
from clients.mail import barcode
from clients.mail.letters import PARTS, Letters, Reader, Variant, samples
from clients.mail.message import Sender, WrongAddress, compose, in_command, message_id, plain_address

CODE = "6995325702001"
NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SHOP = "見本商店"


def reader(variant: Variant = "member", locale: str | None = None, **said: str) -> Reader:
    told = {"last_name": "見本", "first_name": "花子", "code": CODE, **said}
    return Reader(variant, told["code"] or None, told["last_name"], told["first_name"], locale)


def ours() -> Letters:
    return Letters(None, shop_name=SHOP)


@pytest.mark.parametrize("locale", ["ja", "en"])
def test_a_new_member_reads_the_number_and_sees_its_barcode(locale: str) -> None:
    letter = ours().write(reader(locale=locale), picture="cid:bars")
    assert CODE in letter.text
    assert CODE in letter.html
    assert 'src="cid:bars"' in letter.html
    assert CODE in letter.html.split('alt="')[1].split('"')[0], "who sees no pictures reads the number instead"
    assert SHOP in letter.subject


@pytest.mark.parametrize(("locale", "words"), [("ja", "これまでどおり"), ("en", "goes on working")])
def test_who_has_a_card_reads_that_it_goes_on_working_and_sees_no_other_barcode(locale: str, words: str) -> None:
    letter = ours().write(reader("linked", locale, code="CARD-9"), picture="cid:bars")
    for said in (letter.text, letter.html):
        assert words in said
        assert "CARD-9" in said
        assert "cid:bars" not in said


@pytest.mark.parametrize(("locale", "words"), [("ja", "準備中"), ("en", "still being prepared")])
def test_who_is_not_known_at_the_till_yet_is_asked_to_wait_and_told_no_number(locale: str, words: str) -> None:
    letter = ours().write(reader("wait", locale, code=""), picture="cid:bars")
    for said in (letter.text, letter.html):
        assert words in said
        assert CODE not in said
        assert "cid:bars" not in said


def test_a_name_that_nobody_sees_is_no_name() -> None:
    assert ours().write(reader(last_name="\u3164", first_name="\u2800")) == ours().write(
        reader(last_name="", first_name="")
    )


@pytest.mark.parametrize(
    ("locale", "language"),
    [(None, "ja"), ("ja", "ja"), ("ja-JP", "ja"), ("JA_jp", "ja"), ("en", "en"), ("en-GB", "en"), ("zh-TW", "en")],
)
def test_the_language_is_the_customers(locale: str | None, language: str) -> None:
    assert ours().write(reader(locale=locale)).language == language


def test_every_letter_of_ours_is_right() -> None:
    ours().check()


# The merchant's own templates


def test_a_file_of_the_merchants_replaces_ours_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / "ja").mkdir()
    (tmp_path / "ja" / "subject.txt").write_text("ようこそ、{{ last_name }} 様", encoding="utf-8")
    letters = Letters(tmp_path, shop_name=SHOP)
    letters.check()
    assert letters.write(reader()).subject == "ようこそ、見本 様"
    assert letters.write(reader()).text == ours().write(reader()).text
    assert letters.write(reader(locale="en")) == ours().write(reader(locale="en"))


def test_a_whole_folder_of_another_language_is_used_for_its_readers(tmp_path: Path) -> None:
    (tmp_path / "ko").mkdir()
    for part in PARTS:
        (tmp_path / "ko" / part).write_text("환영합니다 {{ code }}", encoding="utf-8")
    letters = Letters(tmp_path, shop_name=SHOP)
    assert letters.languages == ("ja", "en", "ko")
    assert letters.write(reader(locale="ko-KR")).subject == f"환영합니다 {CODE}"


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ nickname }}", "nickname"),
        ("{% if code %}", "line 1"),
        ("{% include 'other.txt' %}", "other.txt"),
        ("{{ ''.__class__.__mro__ }}", "SecurityError"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{% if variant == 'member' %}x{% endif %}", "variant linked"),
    ],
)
def test_a_template_that_is_wrong_stops_the_lane_and_the_file_is_named(
    tmp_path: Path, template: str, told: str
) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "body.txt").write_text(template, encoding="utf-8")
    with pytest.raises(StopLane) as e:
        Letters(tmp_path, shop_name=SHOP).check()
    assert "en/body.txt" in e.value.why
    assert "MAIL_TEMPLATES" in e.value.why
    assert told in e.value.why
    assert e.value.kind == "mail.template"


def test_a_template_in_another_encoding_and_a_folder_that_is_not_there_stop_the_lane(tmp_path: Path) -> None:
    (tmp_path / "ja").mkdir()
    (tmp_path / "ja" / "body.txt").write_bytes("会員".encode("shift_jis"))
    for folder, told in ((tmp_path, "UTF-8"), (tmp_path / "gone", "MAIL_TEMPLATES")):
        with pytest.raises(StopLane, match=told):
            Letters(folder, shop_name=SHOP).check()


# What a customer wrote


def test_what_a_customer_wrote_does_not_run_in_html_and_starts_no_header() -> None:
    evil = reader(last_name='<script>alert("x")</script>', first_name="花子\r\nBcc: all@example.jp\u2028")
    letter = ours().write(evil, picture="cid:bars")
    assert "<script>alert" not in letter.html
    assert "&lt;script&gt;" in letter.html
    assert "\nBcc" not in letter.text


@given(st.text(), st.text())
def test_no_name_makes_a_header_or_a_second_mail(tmp_path: Path, last_name: str, first_name: str) -> None:
    (tmp_path / "ja").mkdir(exist_ok=True)
    (tmp_path / "ja" / "subject.txt").write_text("{{ last_name }}{{ first_name }}", encoding="utf-8")
    made = Letters(tmp_path, shop_name=SHOP).write(
        reader(last_name=last_name, first_name=first_name), picture="cid:bars"
    )
    raw = compose(
        made, sender=Sender.of("shop@example.jp"), to="hanako@example.jp", message_id="<welcome.1@example.jp>", now=NOON
    )
    mail = message_from_bytes(raw, policy=policy.SMTP)
    assert isinstance(mail, EmailMessage)
    assert sorted(mail.keys()) == sorted(
        [
            *("Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress"),
            *("Content-Language", "MIME-Version", "Content-Type"),
        ]
    )
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_the_merchants_subject_with_a_name_in_it_stays_one_line(tmp_path: Path) -> None:
    (tmp_path / "ja").mkdir()
    (tmp_path / "ja" / "subject.txt").write_text("{{ first_name }}\nBcc: all@example.jp\n", encoding="utf-8")
    letter = Letters(tmp_path, shop_name=SHOP).write(reader(first_name="花\r\nTo: x@example.jp"))
    assert letter.subject == "花 To: x@example.jp Bcc: all@example.jp"


# The mail


def test_a_mail_has_both_texts_and_the_barcode_inside_the_html() -> None:
    sender = Sender.of(f"{SHOP} <shop@example.jp>")
    letter = ours().write(reader(), picture="cid:bars@example.jp")
    told = message_id("7", sender)
    raw = compose(
        letter,
        sender=sender,
        to="hanako@example.jp",
        message_id=told,
        now=NOON,
        picture=("<bars@example.jp>", b"\x89PNG"),
    )
    mail = message_from_bytes(raw, policy=policy.SMTP)
    assert [part.get_content_type() for part in mail.walk()] == [
        *("multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png")
    ]
    assert mail["Message-ID"] == "<welcome.7@example.jp>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["From"] == f"{SHOP} <shop@example.jp>"
    last = list(mail.walk())[-1]
    assert (last["Content-ID"], last.get_content_disposition()) == ("<bars@example.jp>", "inline")


@pytest.mark.parametrize(
    ("address", "command"),
    [
        ("hanako@example.jp", "<hanako@example.jp>"),
        (" hanako+shop@example.jp ", "<hanako+shop@example.jp>"),
        ("a..b@docomo.example", '<"a..b"@docomo.example>'),
        (".hanako.@ezweb.example", '<".hanako."@ezweb.example>'),
        ("hanako@見本.example", "<hanako@xn--8pvz87e.example>"),
    ],
)
def test_an_address_as_carriers_gave_them_out_can_be_written_to(address: str, command: str) -> None:
    assert in_command(plain_address(address)) == command


@pytest.mark.parametrize(
    "address",
    ["", "hanako", "@example.jp", "a b@example.jp", "a>@example.jp", "a\r\nDATA@example.jp", "花子@example.jp"],
)
def test_what_is_no_address_is_never_put_into_a_command(address: str) -> None:
    with pytest.raises(WrongAddress):
        plain_address(address)


# The barcode


@pytest.mark.parametrize("code", [CODE, "1", "12", "CARD-00012345", "abcXYZ 09", "69953257020010000000"])
def test_a_barcode_is_read_back_as_the_code(code: str) -> None:
    assert scan(pixels(barcode.png(code))) == code


def test_a_barcode_has_its_quiet_zones_and_fits_a_phone() -> None:
    (line,) = set(pixels(barcode.png(CODE))[40:176])
    white = len(line) - len(line.lstrip("0"))
    assert white >= 10 * barcode.PIXELS
    assert len(line) - len(line.rstrip("0")) >= 10 * barcode.PIXELS
    assert barcode.width_of(CODE) * 2 == len(line)
    assert barcode.width_of(CODE) <= 300, "within the 320 CSS pixels of a small phone, at two and more a bar"


@pytest.mark.parametrize("code", [None, "", "会員1", "1" * 21])
def test_what_makes_no_barcode_that_a_till_could_read_is_shown_as_text_alone(code: str | None) -> None:
    assert not barcode.drawable(code)
    assert reader(code=code or "").barcode is None


def test_every_sample_can_be_written() -> None:
    assert {one.variant for one in samples()} == {"member", "linked", "wait"}


def pixels(png: bytes) -> list[str]:
    """The rows of a PNG of one bit to the pixel, ``1`` for black: read as the format says, not as we write it."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, dict[bytes, bytes]()
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert struct.unpack(">I", png[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + size
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, colour) == (1, 0)
    raw, stride = zlib.decompress(chunks[b"IDAT"]), -(-width // 8)
    assert len(raw) == height * (stride + 1)
    rows = [raw[i * (stride + 1) : (i + 1) * (stride + 1)] for i in range(height)]
    assert all(row[0] == 0 for row in rows)
    return ["".join(f"{byte:08b}" for byte in row[1:])[:width].translate({48: 49, 49: 48}) for row in rows]


def scan(rows: list[str]) -> str:
    """What a scanner makes of the middle of the picture: widths of bars and gaps, as ISO/IEC 15417 lists them."""
    line = rows[len(rows) // 2].strip("0")
    widths, run = [], 1
    for before, after in zip(line, f"{line[1:]}x", strict=True):
        if before == after:
            run += 1
        else:
            widths.append(run // barcode.PIXELS)
            run = 1
    symbols = ["".join(map(str, widths[i : i + 6])) for i in range(0, len(widths) - 7, 6)]
    assert widths[-7:] == [2, 3, 3, 1, 1, 1, 2], "the stop"
    values = [PATTERNS.index(symbol) for symbol in symbols]
    start, *data, check = values
    assert (start + sum(n * value for n, value in enumerate(data, 1))) % 103 == check
    kind, told = {103: "A", 104: "B", 105: "C"}[start], ""
    for value in data:
        if switched := {(99, "A"): "C", (99, "B"): "C", (100, "A"): "B", (100, "C"): "B", (101, "C"): "A"}.get(
            (value, kind)
        ):
            kind = switched
        elif kind == "C":
            told += f"{value:02}"
        else:
            told += chr(value + 32)
    return told


# The widths of each symbol's bars and gaps, from the standard's table, in the order of their values.
_TABLE = """
212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222
123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321
232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121
313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224
111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111
111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113
114311 411113 411311 113141 114131 311141 411131 211412 211214 211232
"""
PATTERNS = _TABLE.split()
