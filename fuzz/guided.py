"""One target under atheris, in a process of its own: libFuzzer follows which branches of our code an input reaches.

A broken law does not end the run: each kind of finding is written down once, and the fuzzer goes on.
"""

from __future__ import annotations

import hashlib
import re
import sys
import traceback
from pathlib import Path
from typing import Final

import atheris

ROOT: Final = Path(__file__).resolve().parent.parent
FINDINGS: Final = ROOT / "fuzz" / "findings"
OURS: Final = ("clients", "handlers", "japan", "customer")


def main(name: str, seconds: int, corpus: str) -> None:
    """Fuzz the target ``name``; findings go to ``fuzz/findings/<name>/``."""
    # What is imported inside is watched; our own fuzzing code is not, lest it draw the fuzzer to itself.
    with atheris.instrument_imports(include=list(OURS)):
        from fuzz.targets import TARGETS  # noqa: PLC0415 - imported where it is watched
    target = TARGETS[name]
    for place, seed in enumerate(target.seeds()):
        Path(corpus, f"seed-{place}").write_bytes(seed)
    folder = FINDINGS / name
    folder.mkdir(parents=True, exist_ok=True)
    seen: set[str] = set()

    def one(data: bytes) -> None:
        try:
            target.try_one(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            slug = kind_of(error)
            if slug in seen:
                return
            seen.add(slug)
            path = folder / f"{slug}-{hashlib.sha256(data).hexdigest()[:8]}"
            path.write_bytes(data)
            sys.stdout.write(f"FINDING {path.relative_to(ROOT)}\n")
            sys.stdout.flush()

    arguments = [
        sys.argv[0],
        corpus,
        f"-max_total_time={seconds}",
        "-max_len=4096",
        "-timeout=20",
        "-rss_limit_mb=2048",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
    ]
    atheris.Setup(arguments, one)
    atheris.Fuzz()


def kind_of(error: BaseException) -> str:
    """What makes two findings one: the law, or the exception and the line of ours it came from."""
    if type(error).__name__ == "Broken":
        return re.sub(r"\W+", "-", f"Broken-{error}")[:80].strip("-")
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(ROOT)]
    where = [frame for frame in ours if ".venv" not in frame.filename and f"{ROOT}/fuzz/" not in frame.filename]
    last = (where or ours)[-1]
    return re.sub(r"\W+", "-", f"{type(error).__name__}-{Path(last.filename).stem}-{last.name}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
