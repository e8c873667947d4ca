"""Plant every fault, one at a time, and see whether its test notices.

`python -m tests.faults [AREA]`. Each runs in a copy of the checkout. The table in
README.md is written from what was seen; with areas named, nothing is written.
"""

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from tests.faults import Fault, __path__

ROOT = Path(__file__).resolve().parents[2]
PASSED, FAILED = 0, 1  # exit status of pytest; anything else is no verdict


def areas() -> dict[str, list[Fault]]:
    """All tables by the name of their file."""
    names = [m.name for m in iter_modules(__path__) if not m.name.startswith(("_", "test_"))]
    return {name: import_module(f"tests.faults.{name}").FAULTS for name in names}


def caught(fault: Fault, copy: Path) -> bool:
    """Whether the named test fails with the fault and passes without it."""
    if not sound(fault.test, copy):
        return False
    file = copy / fault.file
    source = file.read_text()
    file.write_text(source.replace(fault.old, fault.new))
    try:
        return run(fault.test, copy) == FAILED
    finally:
        file.write_text(source)


@cache
def sound(test: str, copy: Path) -> bool:
    """Whether a test passes where nothing is broken; else it is no witness."""
    return run(test, copy) == PASSED


def run(test: str, copy: Path) -> int:
    """Exit status of pytest on one test."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", test]
    return subprocess.run(command, cwd=copy, capture_output=True, check=False).returncode


def main(chosen: list[str]) -> int:
    tables = {name: faults for name, faults in areas().items() if not chosen or name in chosen}
    lines = [
        "# Planted faults",
        "",
        "Written by `python -m tests.faults`, which plants each fault in a copy of the checkout",
        "and runs the named test there.",
    ]
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "checkout"
        ignore = shutil.ignore_patterns(".git", ".venv", ".bkn", "*_cache", "__pycache__")
        shutil.copytree(ROOT, copy, symlinks=True, ignore=ignore)
        for name, faults in tables.items():
            lines += ["", f"## {name.replace('_', ' ')}", "", "| fault | in | test | caught |"]
            lines += ["|---|---|---|---|"]
            for fault in faults:
                seen = caught(fault, copy)
                missed += not seen
                verdict = "yes" if seen else "**no**"
                print(f"{'caught' if seen else 'MISSED'}  {fault.what}  ({fault.test})", flush=True)
                test = fault.test.removeprefix("tests/")
                lines.append(f"| {fault.what} | `{fault.file}` | `{test}` | {verdict} |")
    if not chosen:
        (ROOT / "tests" / "faults" / "README.md").write_text("\n".join(lines) + "\n")
    print(f"{missed} missed")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
