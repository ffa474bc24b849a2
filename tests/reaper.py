"""Ends what a killed test run leaves behind: a process of its own that outlives pytest by a moment.

pytest that is killed (SIGKILL, a CI that gives up, an out-of-memory kill) runs no fixture's end: PostgreSQL, a demo and
whole systems would go on for good. The reaper hears of the death because its standard input ends, then kills every
process that it has seen below pytest, stops each PostgreSQL it was told of, and removes that one's folder.

``python -m tests.reaper PID``; each line on standard input is a folder that holds a PostgreSQL in ``data``.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import psutil

#: How often the processes below pytest are looked at. What lives shorter ends by itself.
LOOK_EVERY_S: Final = 2.0
#: How long PostgreSQL may take to stop at once before its folder is removed.
STOPS_WITHIN_S: Final = 10.0


class Reaper:
    """The process that watches over this one; use it in a ``with`` block, which ends it without reaping anything."""

    def __init__(self) -> None:
        # In a session of its own: neither Ctrl-C nor the end of the terminal may reach it before its work is done.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.reaper", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).resolve().parent.parent,
            start_new_session=True,
        )

    def __enter__(self) -> Reaper:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()

    def postgresql(self, folder: Path) -> None:
        """Stop the PostgreSQL whose data lies in ``folder/data``, and remove ``folder``, if this run is killed.

        Returns when that is noted, and the processes that run by now have been seen.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{folder}\n".encode())
        self._process.stdin.flush()
        self._process.stdout.read(1)


def main(pid: int) -> None:
    """Watch until standard input ends, then reap."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    seen: set[psutil.Process] = set()
    told = b""
    answered = 0
    while True:
        with contextlib.suppress(psutil.NoSuchProcess):
            seen |= set(psutil.Process(pid).children(recursive=True))
        seen = {process for process in seen if process.is_running()}
        while answered < told.count(b"\n"):
            os.write(sys.stdout.fileno(), b".")
            answered += 1
        if not select.select([sys.stdin], [], [], LOOK_EVERY_S)[0]:
            continue
        part = os.read(sys.stdin.fileno(), 65536)
        if not part:
            break
        told += part
    reap(seen - {psutil.Process()}, [Path(line) for line in told.decode().splitlines()])


def reap(processes: set[psutil.Process], folders: list[Path]) -> None:
    """Kill these processes with all below them, stop each PostgreSQL and remove its folder."""
    family = set(processes)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            family |= set(process.children(recursive=True))
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    for folder in folders:
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
            server = psutil.Process(int((folder / "data" / "postmaster.pid").read_text().splitlines()[0]))
            server.send_signal(signal.SIGQUIT)  # PostgreSQL's immediate shutdown
            end = time.monotonic() + STOPS_WITHIN_S
            while server.is_running() and server.status() != psutil.STATUS_ZOMBIE and time.monotonic() < end:
                time.sleep(0.05)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
