"""Who may import whom: the arrows of the architecture picture, enforced."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FORBIDDEN = {  # files -> modules they may not import
    "bkn/**/*.py": {"streamlit", "plotly", "app", "pages"},
    "bkn/experiment.py": {"torch", "numpy", "pandas", "bkn.store", "bkn.engine", "bkn.training"},
    "bkn/entrants.py": {"torch", "numpy", "pandas", "bkn.experiment"},
    "bkn/cards.py": {"torch", "numpy", "pandas", "bkn"},
    "bkn/catalog/**/*.py": {"torch", "numpy", "pandas", "bkn.experiment"},
    "bkn/home.py": {"torch", "numpy", "pandas", "bkn"},
    "bkn/fetch/*.py": {"torch", "torchvision", "numpy", "pandas", "bkn.store", "bkn.experiment"},
    "bkn/data/listing.py": {"torch", "torchvision", "numpy", "pandas", "PIL", "bkn.experiment"},
    "bkn/live.py": {"torch", "numpy", "pandas", "bkn.store", "bkn.engine", "bkn.training"},
    "bkn/snapshot.py": {"torch", "pandas", "bkn"},
    "bkn/replay.py": {"torch", "pandas", "bkn"},
    "bkn/sweep.py": {"torch", "numpy", "pandas", "bkn.store", "bkn.engine", "bkn.training"},
    "bkn/results.py": {"torch", "pandas", "bkn.engine", "bkn.training"},
    "bkn/stats.py": {"torch", "pandas", "bkn"},
    "bkn/tables.py": {"torch", "numpy", "pandas", "bkn"},
    "bkn/claims/*.py": {"torch", "pandas", "bkn.engine", "bkn.training"},
    "bkn/store/*.py": {"torch", "pandas", "bkn.training", "bkn.probe", "bkn.engine"},
    "bkn/normalizers/*.py": {"bkn.store", "bkn.engine", "bkn.training", "bkn.probe"},
    "bkn/moments/*.py": {"bkn.store", "bkn.engine", "bkn.training", "bkn.probe"},
    "bkn/surgery/*.py": {"bkn.store", "bkn.engine", "bkn.training", "bkn.probe"},
    "bkn/nets/*.py": {"bkn.store", "bkn.engine", "bkn.training", "bkn.probe", "bkn.normalizers"},
    "bkn/data/*.py": {"bkn.store", "bkn.engine", "bkn.training", "bkn.probe", "bkn.normalizers"},
    "bkn/training/*.py": {"bkn.store", "bkn.engine", "sqlite3"},
    "bkn/diagnostics/*.py": {"bkn.store", "bkn.engine", "bkn.training", "sqlite3"},
    "bkn/probe/*.py": {"bkn.store", "bkn.engine", "bkn.training", "sqlite3"},
    "app/**/*.py": {"torch", "torchvision", "pages", "sqlite3", "bkn.store.writer", "bkn.training"},
    "pages/*.py": {"torch", "torchvision", "pages", "sqlite3", "bkn.store.writer", "bkn.training"},
}


def imported(path: Path) -> set[str]:
    """Every module that a file names in an import statement, at any depth of the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_nobody_imports_what_the_architecture_forbids(pattern):
    files = sorted(ROOT.glob(pattern))
    assert files, f"{pattern} matches no file; has the layout changed?"
    culprits = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in imported(path)
        for forbidden in FORBIDDEN[pattern]
        if name == forbidden or name.startswith(f"{forbidden}.")
    ]
    assert not culprits


@pytest.mark.parametrize(
    "modules",
    [
        "bkn", "bkn.claims", "bkn.store.cache", "bkn.engine.supervisor", "bkn.engine.conductor",
        "bkn.engine.job_worker", "bkn.cli.sweep", "app.figures", "app.lab",
    ],
)  # fmt: skip
def test_nothing_of_the_ui_process_pulls_in_torch(modules):
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_public_names_are_there():
    import bkn

    for name in bkn.__all__:
        assert getattr(bkn, name) is not None
    assert bkn.stats.paired([2, 1], [0, 0]).mean == 1.5
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        bkn.nonsense  # noqa: B018 - reading it is the test
