"""Plant every fault, one at a time, and see whether its test notices.

`python -m tests.faults [AREA ...]`. First the named tests must pass on sound code, all in one go,
or they are no witnesses; then each fault is planted in a copy of the checkout. The tables in
README.md are written from what was seen; with areas named, only theirs.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from itertools import islice
from pathlib import Path
from pkgutil import iter_modules
from queue import SimpleQueue

from tests.faults import Fault, __path__

ROOT = Path(__file__).resolve().parents[2]
README = Path(__file__).with_name("README.md")
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


def table(faults: Sequence[Fault], seen: Sequence[bool]) -> str:
    """What was seen in an area, as Markdown."""
    lines = ["| fault | in | test | caught |", "|---|---|---|---|"]
    for fault, verdict in zip(faults, seen, strict=True):
        test, word = fault.test.removeprefix("tests/"), "yes" if verdict else "**no**"
        lines.append(f"| {fault.what} | `{fault.file}` | `{test}` | {word} |")
    return "\n".join(lines)


def written(document: str) -> dict[str, str]:
    """The tables of the document, by area."""
    parts = [part.partition("\n") for part in document.split("## ")[1:]]
    return {title.replace(" ", "_"): text.strip() for title, _, text in parts}


def document(tables: dict[str, str]) -> str:
    """All tables, as README.md has them."""
    text = "".join(f"\n## {name.replace('_', ' ')}\n\n{tables[name]}\n" for name in sorted(tables))
    yes, no = text.count("| yes |"), text.count("| **no** |")
    return HEAD.format(caught=yes, all=yes + no) + text


def main(chosen: list[str]) -> int:
    known = areas()
    for name in set(chosen) - set(known):
        sys.exit(f"unknown area {name!r}; known: {', '.join(known)}")
    tables = {name: known[name] for name in chosen or known}
    with tempfile.TemporaryDirectory() as folder:
        seen = verdicts([fault for faults in tables.values() for fault in faults], Path(folder))
    verdict = iter(seen)
    found = written(README.read_text())
    for name, faults in tables.items():
        found[name] = table(faults, list(islice(verdict, len(faults))))
    README.write_text(document({name: found[name] for name in known if name in found}))
    print(f"{len(seen) - sum(seen)} of {len(seen)} missed")
    return int(not all(seen))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
