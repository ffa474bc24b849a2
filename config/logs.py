"""One line per step, the same keys always, and never a person or a secret in it.

Keys: ``request_id``, ``customer_id``, ``lane``, ``attempt``, ``duration_ms``, ``outcome``; the event is the step
(``started``, ``received``, ``carried``, ``completed`` ...). Readable in a terminal, JSON elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator, MutableMapping, Sequence
from types import TracebackType
from typing import Any, Literal

import structlog

# What may stand in a log line. Anything else is a slip, so its value is masked: a test drives people with known names
# through the whole house and greps for them, but a wall is better than a net.
_SAFE_KEYS = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "logger",
        "request_id",
        "customer_id",
        "lane",
        "lanes",
        "attempt",
        "attempts",
        "bodies",
        "duration_ms",
        "outcome",
        "why",
        "kind",
        "did",
        "state",
        "topic",
        "shop",
        "webhook_id",
        "verdict",
        "secret",
        "status",
        "api_version",
        "revision",
        "pending",
        "running",
        "done",
        "failed",
        "oldest_s",
        "rate_per_s",
        "total_ms",
        "worker",
        "pid",
        "reason",
        "wait_s",
        "calls",
        "count",
        "version",
        "address",
        "database",
        "threads",
        "processes",
        "vendor_request_id",
        "corrections",
        "breaker",
        "delivered_ms",
        "exception",
        "path",
        "method",
        "tasks",
        "setting",
        "refused",
        "until",
        "members",
        "bytes",
    }
)
_MAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+")
_TOKENISH = re.compile(r"(?i)\b(bearer|basic)\s+\S+|\b(shpat|shpss|pat)[-_][\w-]{6,}")
_PHONE = re.compile(r"(?<![\w.-])(?:\+\d{2,3}[ -]?|0)\d{1,4}[ -]\d{2,4}[ -]\d{3,4}(?![\w-])|\+\d{9,15}\b")
# Each of the three has one of these in it. Most texts have none, and each delivery is a line with a dozen texts.
_SUSPECT = re.compile(r"[@+]|\d[ -]\d|(?i:bearer|basic|shp|pat)")


def mask(text: str) -> str:
    """The text with anything that looks like an e-mail, a phone number or a credential taken out."""
    if not _SUSPECT.search(text):
        return text
    return _PHONE.sub("[phone]", _TOKENISH.sub("[secret]", _MAIL.sub("[mail]", text)))


def _keep_people_out(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if key not in _SAFE_KEYS and not key.startswith("_"):
            event[key] = "[masked]"
        elif isinstance(value, str) and key not in ("timestamp", "level", "webhook_id"):
            event[key] = mask(value)
    return event


def _where_not_what(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as its type and the places it passed: its words may quote a body, a person, a secret."""
    exc_info = event.pop("exc_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    if isinstance(exc_info, tuple) and exc_info[0] is not None:
        frames = traceback.extract_tb(exc_info[2])[-12:]
        event["exception"] = exc_info[0].__name__
        event["path"] = " > ".join(f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno} {f.name}" for f in frames)
    return event


#: A pipe takes so many bytes at once whole; more, and two processes' lines might mix.
_AT_ONCE = 4096


# Made once: with an argument that is not its default, json.dumps makes one for each call.
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=repr)


class _Held(threading.local):
    lines: list[str] | None = None


_held = _Held()


class _OneLineOrNone(logging.StreamHandler[Any]):
    """Writes to stderr; a line that cannot be written is dropped."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line now, or keep it for the end of this thread's ``one_write``."""
        if _held.lines is None:
            super().emit(record)
        else:
            _held.lines.append(self.format(record) + self.terminator)

    def write_together(self, lines: Sequence[str]) -> None:
        """Write these lines in as few writes as a pipe keeps whole."""
        together = ""
        with contextlib.suppress(OSError, ValueError), self.lock or contextlib.nullcontext():
            for line in (*lines, None):
                if line is None or len((together + line).encode()) > _AT_ONCE:
                    self.stream.write(together)
                    self.flush()
                    together = ""
                together += line or ""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Nothing: Python would print the error that was being told of, with all its words."""


@contextlib.contextmanager
def one_write() -> Iterator[None]:
    """What this thread logs inside goes out at the end, together: a write for each line would let go of Python's lock
    each time, and wait to have it back.
    """
    _held.lines = []
    try:
        yield
    finally:
        lines, _held.lines = _held.lines, None
        for handler in logging.getLogger().handlers:
            if lines and isinstance(handler, _OneLineOrNone):
                handler.write_together(lines)


def _tell_uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, (KeyboardInterrupt, SystemExit)):
        return
    structlog.get_logger().critical("uncaught", exc_info=(kind, error, trace))


def _take_over_what_prints_by_itself() -> None:
    """Python prints an error that nobody caught, and gunicorn logs by itself: both with all the words of the error."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _tell_uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda told: _tell_uncaught(told.exc_type, told.exc_value, told.exc_traceback)
    gunicorn = logging.getLogger("gunicorn.error")
    gunicorn.handlers.clear()
    gunicorn.propagate = True


def set_up_logs(style: Literal["auto", "json", "console"] = "auto", level: int = logging.INFO) -> None:
    """Send structlog and the standard library's loggers down one road to stderr."""
    as_text = style == "console" or (style == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _where_not_what,
        _keep_people_out,
    ]
    finish: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if as_text
        else structlog.processors.JSONRenderer(serializer=lambda event, **_: _ENCODER.encode(event))
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = _OneLineOrNone()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, finish], foreign_pre_chain=shared
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("urllib3", "alembic", "werkzeug", "sqlalchemy", "pyactiveresource"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    _take_over_what_prints_by_itself()
