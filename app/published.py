"""Files that the browser loads by itself: Plotly's script and the live figure's own.

Streamlit serves `app/static/`. The scripts are copied there at start, so that the app works
offline: Plotly's comes from the installed wheel, ours from `app/panel/` into a folder named by
their content, so that a browser never mixes an old file with a new one.
"""

import filecmp
import hashlib
import os
import shutil
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PANEL = Path(__file__).parent / "panel"
STATIC = Path(__file__).parent / "static"


def plotly_script() -> Path:
    """Where the installed plotly keeps its script; plotly itself is not imported.

    Raises:
        FileNotFoundError: saying what to install.
    """
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("plotly is not installed; run: pip install -r requirements.txt")
    script = Path(spec.origin).parent / "package_data" / "plotly.min.js"
    if not script.is_file():
        raise FileNotFoundError(f"the installed plotly lacks {script}; install it again")
    return script


def content_key(folder: Path) -> str:
    """Ten characters that change with any file in the folder."""
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:10]


def place(source: Path, target: Path) -> None:
    """Copy a file unless an equal one is there; a reader never sees half of it."""
    if target.is_file() and filecmp.cmp(source, target, shallow=False):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copyfile(source, half)
    os.replace(half, target)


def publish(static: Path = STATIC) -> str:
    """Bring the static folder up to date; returns the name of the folder with our scripts."""
    place(plotly_script(), static / "plotly.min.js")
    folder = f"panel-{content_key(PANEL)}"
    for file in PANEL.iterdir():
        place(file, static / folder / file.name)
    for old in static.glob("panel-*"):
        if old.name != folder:
            shutil.rmtree(old, ignore_errors=True)
    return folder


@cache
def published() -> str:
    """`publish`, once per process."""
    return publish()
