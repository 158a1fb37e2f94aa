"""Have every reader of bytes from outside read what coverage makes up, for a bounded time.

Run: ``make fuzz MINUTES=60``. Each reader gets an equal share, in a process of its own. Seeds lie in
``tests/vectors/good/readers/NAME``, what was made up so far in ``var/fuzz/NAME``. A find (an exception that is not a
`LeadtimeError`, more than 10 s, more than 2 GiB) is left in ``var/fuzz/finds/NAME-…``, and the exit code is 1: shorten
it, name it after its fault, and put it into ``tests/vectors/bad/readers/NAME``, which ``make test`` replays.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEEDS = ROOT / "tests" / "vectors"
CORPUS = ROOT / "var" / "fuzz"
FINDS = CORPUS / "finds"
INPUT_SECONDS_MAX = 10
MEMORY_MIB_MAX = 2_048
INPUT_BYTES_MAX = 1 << 16
INSTRUMENTED = [
    *("leadtime.formats", "leadtime.flow.intake", "leadtime.flow.merging", "leadtime.flow.validation"),
    *("leadtime.packages", "leadtime.ledger", "leadtime.foundation", "email", "packageurl"),
]


def main(arguments: list[str]) -> int:
    """Fuzz one reader (``NAME SECONDS``), or all of them in turn (``MINUTES``)."""
    sys.path.insert(0, str(ROOT))
    if len(arguments) == 2:
        fuzz_one(arguments[0], int(arguments[1]))
        return 0
    from tests.fuzz.readers import READERS  # noqa: PLC0415  # a child must import it under instrumentation

    seconds = max(1, int(float(arguments[0]) * 60 / len(READERS)))
    failed = []
    for name in READERS:
        print(f"== {name}, {seconds} s", flush=True)
        if subprocess.run([sys.executable, __file__, name, str(seconds)], check=False).returncode:
            failed.append(name)
    print(f"finds: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def fuzz_one(name: str, seconds: int) -> None:
    """Fuzz one reader; ends the process."""
    import atheris  # noqa: PLC0415  # not among the packages that tests need

    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz.readers import READERS, refused  # noqa: PLC0415

    reader = READERS[name]
    folders = [CORPUS / name, *(SEEDS / kind / "readers" / name for kind in ("good", "bad"))]
    FINDS.mkdir(parents=True, exist_ok=True)
    folders[0].mkdir(exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={INPUT_SECONDS_MAX}",
        f"-rss_limit_mb={MEMORY_MIB_MAX}",
        f"-max_len={INPUT_BYTES_MAX}",
        f"-artifact_prefix={FINDS}/{name}-",
        "-verbosity=0",
        "-print_final_stats=1",
    ]
    atheris.Setup([name, *options, *(str(each) for each in folders if each.is_dir())], lambda raw: refused(reader, raw))
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
