"""How gunicorn runs the web door: an event loop, and as many processes as the database likes.

Shopify asks for Keep-Alive, which gunicorn's plain worker ignores; ours honours it.
https://shopify.dev/docs/apps/build/webhooks/verify-deliveries : a connection within 1 s, an answer within 5 s.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from config.settings import WrongSetting, read_settings

try:
    _settings = read_settings()
except WrongSetting as e:
    sys.exit(str(e))

bind = f"0.0.0.0:{_settings.port}"
worker_class = "handlers.loop.LoopWorker"
# Requests of one process share a commit. On SQLite a second process would only queue for the same file; PostgreSQL
# commits side by side.
workers = _settings.web_processes or (2 if _settings.on_postgresql else 1)
threads = _settings.web_threads
backlog = 1024
keepalive = 75
timeout = 30
graceful_timeout = 20
# Shopify's headers are few and short; a client that sends more is not Shopify.
limit_request_line = 2048
limit_request_fields = 60
limit_request_field_size = 4096
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108 - a heartbeat file in memory
accesslog = None  # each delivery has its own line in the log, with more in it
control_socket_disable = True
proc_name = "customer-sync-web"

# Where the processes add up what they count for /metrics: in memory, where there is such a folder.
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "customer-sync-metrics-"


def _make_folder() -> str:
    """A folder of this master's own; those of masters that were killed are taken away."""
    place = Path(worker_tmp_dir or tempfile.gettempdir())
    for left in place.glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and int(pid) != os.getpid() and not _is_there(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    return tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=place)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


_given = os.environ.get(_FOLDER)
# A reload (SIGHUP) reads this file again, and finds what it has set itself.
_is_ours = not _given or Path(_given).name.startswith(f"{_PREFIX}{os.getpid()}-")
if not _given:
    os.environ[_FOLDER] = _make_folder()
elif not _is_ours:
    for _old in Path(_given).glob("*.db"):
        _old.unlink()


def child_exit(_server: Any, worker: Any) -> None:
    """What a process counted stays counted; what it was doing, it does no more."""
    for gone in Path(os.environ[_FOLDER]).glob(f"gauge_live*_{worker.pid}.db"):
        gone.unlink()


def on_exit(_server: Any) -> None:
    """Take the folder away, if it is ours."""
    if _is_ours:
        shutil.rmtree(os.environ[_FOLDER], ignore_errors=True)
