"""A test run that is killed leaves no process, no PostgreSQL and no folder behind."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent


def test_what_a_killed_run_started_ends_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "postgresql"
    (folder / "data").mkdir(parents=True)
    stand_in = f"""
        import subprocess, sys, time
        from pathlib import Path
        from tests import reaper

        kept = reaper.Reaper()
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        kept.postgresql(Path({str(folder)!r}))
        print(child.pid, kept._process.pid, flush=True)
        time.sleep(600)
    """
    run = subprocess.Popen([sys.executable, "-c", textwrap.dedent(stand_in)], cwd=ROOT, stdout=subprocess.PIPE)
    assert run.stdout is not None
    child, reaper = (psutil.Process(int(pid)) for pid in run.stdout.readline().split())
    # In the place of a server that has left its parent. A suite in the background hands on SIGQUIT as ignored.
    heeds = "import signal, time; [signal.signal(s, signal.SIG_DFL) for s in (signal.SIGINT, signal.SIGQUIT)]; "
    server = subprocess.Popen(
        [sys.executable, "-c", f"{heeds}print(flush=True); time.sleep(600)"], stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    server.stdout.readline()
    (folder / "data" / "postmaster.pid").write_text(f"{server.pid}\nfurther lines\n")
    run.kill()
    run.wait(10)
    reaper.wait(20)
    gone, alive = psutil.wait_procs([child], timeout=10)
    assert (gone, alive) == ([child], [])
    assert server.wait(10) != 0
    assert not folder.exists()
    run.stdout.close()
    server.stdout.close()
