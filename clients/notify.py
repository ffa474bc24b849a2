"""Telling people: a short text to every address in ``ADMIN_NOTIFY_URLS``, through Apprise.

Apprise runs in a process of its own, started for each notice and gone afterwards. Notices are rare; its hundred and
more services cost 20 MB once they are loaded, and each is somebody else's code, of which not all put a limit to how
long they wait. A process can be ended when its time is up, and what it prints or logs goes nowhere: an address holds
tokens and passwords. Like every far side, those it speaks to are reached without the host's proxy and .netrc.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import subprocess
import sys
import threading
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

Tone: TypeAlias = Literal["failure", "warning", "success", "info"]

#: A notice has so long to reach everybody; who has not answered by then may have it or not.
LIMIT_S: Final = 20.0
# Who cannot be reached has surely not been told. Who takes it and does not answer may have been: the limit ends that.
_CONNECT_S, _READ_S = 5.0, 60.0
_ROOT: Final = Path(__file__).parent.parent
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
#: Of these the place of the host holds a host. Of most services it holds the token, or a topic that nobody may know.
_HOSTED: Final = frozenset({"mailto", "mailtos", "json", "jsons", "xml", "xmls", "form", "forms", "gotify", "gotifys"})
#: Addresses follow one another after spaces or a comma; a comma inside an address is its own.
_BETWEEN: Final = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_STATUS: Final = re.compile(r"error\s*[=:]\s*(\d{3})\b")


@dataclass(frozen=True, slots=True)
class Heard:
    """How one address took it. ``place`` counts from 0. ``label`` is all of the address that may be shown.

    ``how``: "sent"; "not sent", and may be tried again; "unknown", for the time was up.
    """

    place: int
    label: str
    how: Literal["sent", "not sent", "unknown"]
    why: str | None = None


def split_addresses(text: str) -> tuple[str, ...]:
    """The addresses in ``ADMIN_NOTIFY_URLS``, separated by spaces or commas."""
    return tuple(part for part in _BETWEEN.split(text.strip(" \t\r\n,")) if part)


def send(addresses: Sequence[str], title: str, body: str, tone: Tone, *, limit_s: float = LIMIT_S) -> list[Heard]:
    """Tell everybody at once; how each took it, in the order given. Returns within ``limit_s`` or little more."""
    job = json.dumps({"addresses": list(addresses), "title": title, "body": body, "tone": tone})
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"NETRC": os.devnull}
    command = [sys.executable, "-m", "clients.notify"]
    ended = True
    try:
        with subprocess.Popen(  # noqa: S603 - our own module, no word of the command comes from outside
            command, cwd=_ROOT, env=environment, text=True, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            try:
                told, _ = process.communicate(job, timeout=limit_s)
            except subprocess.TimeoutExpired:
                ended = False
                process.kill()
                told, _ = process.communicate()
    except OSError:
        told = ""
    began, heard = _heard(told)
    untold = "no process that sends could be started" if not began else "the process that sends ended by itself"
    why = untold if ended else f"no end after {limit_s:.0f} s"
    how: Literal["not sent", "unknown"] = "unknown" if began else "not sent"
    return [heard.get(i) or Heard(i, label_of(address), how, why) for i, address in enumerate(addresses)]


def _heard(told: str) -> tuple[bool, dict[int, Heard]]:
    """Whether anything may have been sent, and what was heard of each address."""
    began, heard = False, {}
    for line in told.splitlines():
        with contextlib.suppress(ValueError, TypeError):
            said = json.loads(line)
            began = True
            if "place" in said:
                heard[int(said["place"])] = Heard(**said)
    return began, heard


def scheme_of(address: str) -> str:
    """``slack://``: what may always be shown."""
    scheme = address.partition("://")[0].lower()
    return f"{scheme}://" if re.fullmatch(r"[a-z0-9+.-]{1,30}", scheme) else "?://"


def label_of(address: str) -> str:
    """What may be shown of an address: the scheme, and the host where that place never holds a token."""
    scheme, host = scheme_of(address), ""
    if scheme.removesuffix("://") in _HOSTED:
        with contextlib.suppress(ValueError):
            host = urlsplit(address).hostname or ""
    return scheme + (host if re.fullmatch(r"[a-z0-9.-]{1,253}", host) else "")


def mark_of(address: str) -> str:
    """A short mark by which an address is known again, and which gives nothing away: thousands share it."""
    return f"{scheme_of(address)}{zlib.crc32(address.encode()) & 0xFFFF:04x}"


# -- in the process of its own -----------------------------------------------------------------------------------------


class _Listening(logging.Handler):
    """Of what Apprise logs in one thread, the HTTP status and nothing else."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.statuses: dict[int, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            if found := _STATUS.search(record.getMessage()):
                self.statuses[record.thread or 0] = found[1]


def _main() -> None:
    """Read the job from stdin, and write a line for each address as soon as it is known."""
    job = json.loads(sys.stdin.read())
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out, Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # whatever prints, prints nothing
        listening = _Listening()
        logging.getLogger().handlers = [logging.NullHandler()]

        import apprise  # noqa: PLC0415

        loud = logging.getLogger("apprise")
        loud.handlers, loud.propagate = [listening], False
        loud.setLevel(logging.DEBUG)
        asset = apprise.AppriseAsset(
            app_id="customer-sync", app_desc="customer-sync", app_url="", storage_mode="memory"
        )

        def say(line: dict[str, Any]) -> None:
            out.write(json.dumps(line) + "\n")
            out.flush()

        say({"began": True})

        def go(numbered: tuple[int, str]) -> None:
            place, address = numbered
            how, why = _send_one(apprise, asset, address, job, listening)
            say({"place": place, "label": label_of(address), "how": how, "why": why})

        with ThreadPoolExecutor(max(1, len(job["addresses"]))) as pool:
            list(pool.map(go, enumerate(job["addresses"])))


def _send_one(
    apprise: Any, asset: Any, address: str, job: dict[str, str], listening: _Listening
) -> tuple[str, str | None]:
    try:
        service = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
        if service is None:
            return "not sent", "Apprise does not understand this address: check ADMIN_NOTIFY_URLS"
        service.socket_connect_timeout, service.socket_read_timeout = _CONNECT_S, _READ_S
        sent = service.notify(
            title=job["title"], body=job["body"], notify_type=apprise.NotifyType(job["tone"]), body_format="text"
        )
    except Exception as e:  # noqa: BLE001 - whatever a service's part does, the others are told; nothing is logged here
        return "not sent", f"a fault of the service's part of Apprise ({type(e).__name__})"
    if sent:
        return "sent", None
    status = listening.statuses.get(threading.get_ident())
    return "not sent", f"it answers {status}" if status else "it does not answer, or refuses"


if __name__ == "__main__":
    _main()
