"""Plant every fault, one at a time, and see whether its test notices.

`python -m tests.faults [AREA ...]`. First the named tests must pass on sound code, all in one go,
or they are no witnesses; then each fault is planted in a copy of the checkout. The table in
README.md is written from what was seen; with areas named, nothing is written.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from queue import SimpleQueue

from tests.faults import Fault, __path__

ROOT = Path(__file__).resolve().parents[2]
PASSED, FAILED = 0, 1  # exit status of pytest; anything else is no verdict
HEAD = """# Planted faults

Written by `python -m tests.faults`, which plants each fault in a copy of the checkout and runs the
named test there. {caught} of {all} faults were caught.
"""


def areas() -> dict[str, list[Fault]]:
    """All tables by the name of their file."""
    names = [m.name for m in iter_modules(__path__) if not m.name.startswith(("_", "test_"))]
    return {name: import_module(f"tests.faults.{name}").FAULTS for name in names}


def run(tests: Sequence[str], checkout: Path) -> int:
    """Exit status of pytest on some tests."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=checkout, capture_output=True, check=False).returncode


def unsound(tests: Sequence[str], checkout: Path) -> list[str]:
    """The tests that fail where nothing is broken."""
    if run(tests, checkout) == PASSED:
        return []
    return [test for test in tests if run([test], checkout) != PASSED]


def caught(fault: Fault, checkout: Path) -> bool:
    """Whether the named test fails with the fault planted."""
    file = checkout / fault.file
    source = file.read_text()
    file.write_text(source.replace(fault.old, fault.new))
    try:
        return run([fault.test], checkout) == FAILED
    finally:
        file.write_text(source)


def copy_to(folder: Path) -> Path:
    """A copy of the checkout to break."""
    ignore = shutil.ignore_patterns(".git", ".venv", ".bkn", "*_cache", "__pycache__")
    shutil.copytree(ROOT, folder, symlinks=True, ignore=ignore)
    return folder


def verdicts(faults: Sequence[Fault], folder: Path) -> list[bool]:
    """Whether each was caught, in order; as many at a time as there are cores."""
    jobs = os.cpu_count() or 1
    free: SimpleQueue[Path] = SimpleQueue()
    for number in range(jobs):
        free.put(copy_to(folder / f"copy{number}"))
    witnesses = sorted({fault.test for fault in faults})
    lying = unsound(witnesses, folder / "copy0")

    def judge(fault: Fault) -> bool:
        checkout = free.get()
        seen = fault.test not in lying and caught(fault, checkout)
        free.put(checkout)
        print(f"{'caught' if seen else 'MISSED'}  {fault.what}  ({fault.test})", flush=True)
        return seen

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(judge, faults))


def table(tables: dict[str, list[Fault]], seen: Sequence[bool]) -> str:
    """What was seen, as Markdown."""
    lines = [HEAD.format(caught=sum(seen), all=len(seen))]
    verdict = iter(seen)
    for name, faults in tables.items():
        lines += [f"## {name.replace('_', ' ')}", "", "| fault | in | test | caught |"]
        lines += ["|---|---|---|---|"]
        for fault in faults:
            test, word = fault.test.removeprefix("tests/"), "yes" if next(verdict) else "**no**"
            lines.append(f"| {fault.what} | `{fault.file}` | `{test}` | {word} |")
        lines.append("")
    return "\n".join(lines)


def main(chosen: list[str]) -> int:
    tables = {name: faults for name, faults in areas().items() if not chosen or name in chosen}
    with tempfile.TemporaryDirectory() as folder:
        seen = verdicts([fault for faults in tables.values() for fault in faults], Path(folder))
    if not chosen:
        (ROOT / "tests" / "faults" / "README.md").write_text(table(tables, seen))
    print(f"{len(seen) - sum(seen)} of {len(seen)} missed")
    return int(not all(seen))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
