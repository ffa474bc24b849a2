"""Personal data at rest: shut on the way into the database and opened on the way out, when DATA_KEYS are set.

Without keys everything passes through. A shut value begins with a mark and the id of its key, so plain rows from before
the keys are still read, and a row can be told by its key without opening it. An empty value stays empty.

What must be found again (e-mails) is kept as a keyed hash instead: without the key nobody can turn it back, or try
out whose it is.

`cryptography` is imported where it is used: six megabytes that a process without keys need not carry.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_SHUT: Final = "sealed:"
#: Before a plain value that begins like a shut or like a plain one: so none is ever mistaken.
_PLAIN: Final = "plain:"
_HASH: Final = "hash:"


class WrongKey(Exception):
    """DATA_KEYS lacks the key of something that is kept; the text names the mend, and never a key."""


def new_key() -> str:
    """A fresh key for DATA_KEYS."""
    from cryptography.fernet import Fernet  # noqa: PLC0415

    return Fernet.generate_key().decode()


class Seal:
    """Shuts with the first of ``keys`` (Fernet keys, see ``new_key``) and opens with any. Raises ``ValueError``."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._fernet = _fernet_of(keys) if keys else None
        raw = [urlsafe_b64decode(key) for key in keys]
        #: The ids of the keys, the one that shuts first; an id tells nothing of its key.
        self.key_ids: Final = tuple(_derived(key, b"id", 4).hex() for key in raw)
        self._hash_keys = tuple(_derived(key, b"hash", 32) for key in raw)
        #: What every text begins with that is shut with the newest key, and every such hash; empty without keys.
        self.text_mark: Final = f"{_SHUT}{self.key_ids[0]}:" if keys else ""
        self.bytes_mark: Final = self.text_mark.encode()
        self.hash_mark: Final = f"{_HASH}{self.key_ids[0]}:" if keys else ""

    def __bool__(self) -> bool:
        """Whether there is a key to shut with."""
        return self._fernet is not None

    def shut_text(self, text: str) -> str:
        """The text as it is kept."""
        if self._fernet is None or not text:
            return _PLAIN + text if text.startswith((_SHUT, _PLAIN)) else text
        return self.text_mark + self._fernet.encrypt(text.encode("utf-8", "surrogatepass")).decode("ascii")

    def open_text(self, kept: str) -> str:
        """The text that was shut so. Raises ``WrongKey``."""
        if kept.startswith(_SHUT):
            _, key_id, token = kept.split(":", 2)
            return self._open(key_id, token.encode()).decode("utf-8", "surrogatepass")
        return kept.removeprefix(_PLAIN)

    def shut_bytes(self, data: bytes) -> bytes:
        """The bytes as they are kept: a third shorter than Fernet's text."""
        if self._fernet is None or not data:
            return _PLAIN_BYTES + data if data.startswith((_SHUT_BYTES, _PLAIN_BYTES)) else data
        return self.bytes_mark + urlsafe_b64decode(self._fernet.encrypt(data))

    def open_bytes(self, kept: bytes) -> bytes:
        """The bytes that were shut so. Raises ``WrongKey``."""
        if kept.startswith(_SHUT_BYTES):
            _, key_id, token = kept.split(b":", 2)
            return self._open(key_id.decode("ascii", "replace"), urlsafe_b64encode(token))
        return kept.removeprefix(_PLAIN_BYTES)

    def hashed(self, text: str) -> str:
        """What stands for this text where it must be found again: a hash under the newest key, or the text itself."""
        return self.hashes(text)[0]

    def hashes(self, text: str) -> list[str]:
        """Everything that may stand for this text, the newest first: its hash under each key, and the plain text."""
        marks = zip(self.key_ids, self._hash_keys, strict=True)
        digests = [(key_id, hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")) for key_id, key in marks]
        return [*(f"{_HASH}{key_id}:{urlsafe_b64encode(digest).decode()}" for key_id, digest in digests), text]

    def _open(self, key_id: str, token: bytes) -> bytes:
        if self._fernet is not None and key_id in self.key_ids:
            from cryptography.fernet import InvalidToken  # noqa: PLC0415

            try:
                return self._fernet.decrypt(token)
            except InvalidToken:
                raise WrongKey(f"a row shut with the key {key_id} is damaged: restore it from a backup") from None
        raise WrongKey(f"a row was shut with the key {key_id}, which is not in DATA_KEYS: add it again")


_SHUT_BYTES: Final = _SHUT.encode()
_PLAIN_BYTES: Final = _PLAIN.encode()

#: Everything passes through.
NO_SEAL: Final = Seal()


def _fernet_of(keys: Sequence[str]) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415

    return MultiFernet([Fernet(key) for key in keys])


def _derived(key: bytes, purpose: bytes, length: int) -> bytes:
    """A key of its own for another purpose than Fernet's. https://datatracker.ietf.org/doc/html/rfc5869"""
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    return HKDF(algorithm=SHA256(), length=length, salt=None, info=b"customer-sync " + purpose).derive(key)
