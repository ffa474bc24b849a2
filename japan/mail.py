"""E-mail addresses: as they are sent, and the one form in which they are compared.

https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2 (addresses), https://www.rfc-editor.org/rfc/rfc5891 (domains).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from japan.invisible import INVISIBLE

#: Grows when ``mailbox`` gives the same address another form than before: what was kept in the old form counts as
#: not known until it was read anew.
FORM: Final = 2

_LONGEST: Final = 254  # RFC 5321, 4.5.3.1.3: a path of 256 with its brackets
_JOINERS: Final = "\u200c\u200d"
# Joiners belong to domains in some scripts: https://www.rfc-editor.org/rfc/rfc5892#appendix-A.1
_INVISIBLE: Final = re.compile(f"(?![{_JOINERS}])[{INVISIBLE}]")
_WITHOUT_JOINERS: Final = str.maketrans("", "", _JOINERS)
# Dots where the RFC forbids them (a..b@docomo.ne.jp, x.@ezweb.ne.jp) are addresses that Japanese carriers gave out.
_PLAIN_LOCAL: Final = re.compile(r"[!#$%&'*+/=?^_`{|}~.0-9a-z-]{1,64}")
_QUOTED_LOCAL: Final = re.compile(r"\"(?:[ !#-\[\]-~]|\\[ -~]){1,62}\"")
_DOT_ATOM: Final = re.compile(r"[^.]+(?:\.[^.]+)*")
_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")


def email(text: str) -> str | None:
    """The address as it is sent: trimmed, half-width, in lower case; None when mail could never reach it.

    A domain in Japanese characters comes back in its ASCII form (``xn--...``). Quotes around the local part stay.
    """
    local, at, domain = _bare(text).rpartition("@")
    local = local.translate(_WITHOUT_JOINERS).lower()
    at_home = ascii_domain(domain)
    if not at or not (_PLAIN_LOCAL.fullmatch(local) or _QUOTED_LOCAL.fullmatch(local)):
        return None
    if not _DOMAIN.fullmatch(at_home):
        return None
    address = f"{local}@{at_home}"
    return address if len(address) <= _LONGEST else None


def mailbox(text: str | None) -> str | None:
    """The form in which addresses are compared, equal for two that reach the same mailbox; None for a blank text.

    ``"h..m"@docomo.ne.jp`` and ``h..m@docomo.ne.jp`` are one mailbox. A text that is no address is compared as it
    stands, trimmed and in lower case. The mailbox of a mailbox is itself. Never sent: see ``email``.
    """
    sent = email(text or "")
    local, at, domain = (sent or _as_it_stands(text or "")).rpartition("@")
    return f"{_unquoted(local)}{at}{domain}" or None


def spellings(address: str) -> tuple[str, ...]:
    """The ways in which another system may have written this address, in lower case; the one given comes first.

    One for nearly all. A system that compares letter by letter must be asked for each.
    """
    local, at, domain = (mailbox(address) or "").rpartition("@")
    ways = [address, f"{local}{at}{domain}"]
    if at and _PLAIN_LOCAL.fullmatch(local) and not _DOT_ATOM.fullmatch(local):
        ways.append(f'"{local}"@{domain}')  # what the RFC asks for
    shown = _to_unicode(domain)
    if at and shown != domain:
        ways += [f"{way.rpartition('@')[0]}@{shown}" for way in tuple(ways)]
    return tuple(dict.fromkeys(ways))


def _bare(text: str) -> str:
    """The text half-width and trimmed, without what cannot be seen and without a link's or a header's marks."""
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip()
    while (bare := _without_marks(plain)) != plain:
        plain = bare
    return plain


def _as_it_stands(text: str) -> str:
    """A text that is no address, as it is compared. Again and again, for what one step takes away shows the next."""
    while (plain := _bare(_bare(text).translate(_WITHOUT_JOINERS).lower())) != text:
        text = plain
    return text


def _without_marks(text: str) -> str:
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1].strip()
    return text[len("mailto:") :].strip() if text[:7].lower() == "mailto:" else text


def _unquoted(local: str) -> str:
    """A local part without the quotes it does not need, and without backslashes that stand for nothing."""
    if not _QUOTED_LOCAL.fullmatch(local):
        return local
    meant = re.sub(r"\\(.)", r"\1", local[1:-1])
    if _PLAIN_LOCAL.fullmatch(meant):
        return meant
    return '"' + re.sub(r'(["\\])', r"\\\1", meant) + '"'


def ascii_domain(domain: str) -> str:
    """The domain in its ASCII form, "" for what is none. By IDNA 2008: ``straße.de`` is not ``strasse.de``."""
    for written in (domain, domain.translate(_WITHOUT_JOINERS)):
        one = written.replace("。", ".").removesuffix(".")
        if one.isascii():
            return one.lower()
        import idna  # noqa: PLC0415 - its tables are wanted by few

        try:
            encoded = idna.encode(one, uts46=True, transitional=False).decode("ascii")
        except idna.IDNAError:
            continue
        return encoded if _is_one_script(one.rpartition(".")[2]) else ""
    return ""


def _is_one_script(top: str) -> bool:
    """Whether a top-level domain is not Latin letters with others behind them, as in ``example.comへ``.

    https://data.iana.org/TLD/tlds-alpha-by-domain.txt has none that mixes Latin with another script.
    """
    latin = {unicodedata.name(letter, "").startswith("LATIN ") for letter in top if letter.isalpha()}
    return len(latin) < 2


def _to_unicode(domain: str) -> str:
    if "xn--" not in domain:
        return domain
    import idna  # noqa: PLC0415 - as above

    try:
        return idna.decode(domain)
    except idna.IDNAError:
        return domain
