"""How gunicorn runs the web door: an event loop, and as many processes as the database likes.

Shopify asks for Keep-Alive, which gunicorn's plain worker ignores; ours honours it.
https://shopify.dev/docs/apps/build/webhooks/verify-deliveries : a connection within 1 s, an answer within 5 s.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

# Nothing of this service is imported here but the worker's class: what gunicorn's main process has imported once its
# workers inherit, and after a SIGHUP old and new code would meet in one process. So the three settings it needs are
# read in plain words; a worker reads them all, and a wrong one is named there.
_CASELESS = {name.upper(): value for name, value in os.environ.items()}
_FROM_FILE = {} if os.environ.get("FLASK_SKIP_DOTENV") else dotenv_values(".env", encoding="utf-8")
_SET = {**{name.upper(): value for name, value in _FROM_FILE.items()}, **_CASELESS}


def _number(name: str, default: int) -> int:
    """A setting as a number; the default for one that is not set or wrong, which the worker refuses with its name."""
    value = (_SET.get(name) or "").strip()
    return int(value) if value.isascii() and value.isdigit() and int(value) else default


_on_postgresql = (_SET.get("DATABASE_URL") or "").strip().startswith("postgres")

bind = f"0.0.0.0:{_number('PORT', 8000)}"
worker_class = "config.gunicorn_worker.LoopWorker"
# Requests of one process share a commit. On SQLite a second process would only queue for the same file; PostgreSQL
# commits side by side.
workers = _number("WEB_PROCESSES", 2 if _on_postgresql else 1)
threads = _number("WEB_THREADS", 8)
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


def on_starting(server: Any) -> None:
    """Before the first worker: the folder for what is counted, and a SIGHUP that asks before it lets go of anything."""
    given = os.environ.get(_FOLDER)
    # After SIGUSR2 the main process before this one still counts in its own folder.
    if not given or Path(given).name.startswith(_PREFIX):
        os.environ[_FOLDER] = _make_folder()
    else:
        for old in Path(given).glob("*.db"):
            old.unlink()
    reload = server.reload

    def reload_if_it_would_start() -> None:
        if why := _why_it_would_not_start():
            server.log.error("SIGHUP is not followed, the workers go on as they are: %s", why)
        else:
            reload()

    server.reload = reload_if_it_would_start


def _why_it_would_not_start() -> str:
    """What a new process says that is started as this one was, with the settings and the code of now; "" if it starts.

    gunicorn's own way is to read this file again and to end when that fails, or to start workers that end at once.
    """
    env = {name: value for name, value in os.environ.items() if name != _FOLDER}
    command = [sys.executable, "-m", "gunicorn", *sys.argv[1:], "--check-config"]
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=25, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return "the new version did not start within 25 s"
    told = done.stderr.strip() or done.stdout.strip()
    return "" if done.returncode == 0 else told[-2000:] or f"it ended with {done.returncode}"


def child_exit(_server: Any, worker: Any) -> None:
    """What a process counted stays counted; what it was doing, it does no more."""
    for gone in Path(os.environ[_FOLDER]).glob(f"gauge_live*_{worker.pid}.db"):
        gone.unlink()


def on_exit(_server: Any) -> None:
    """Take the folder away, if it is ours."""
    if Path(os.environ[_FOLDER]).name.startswith(f"{_PREFIX}{os.getpid()}-"):
        shutil.rmtree(os.environ[_FOLDER], ignore_errors=True)
