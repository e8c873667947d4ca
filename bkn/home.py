"""Where this installation keeps what it makes and what it fetches.

<home>         runs and all that belongs to them: BKN_HOME, else `.bkn` in the repository
<home>/data    fetched datasets, laid out as torchvision does; BKN_DATA_DIR names another folder
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def home() -> Path:
    """The folder of this installation's runs; it need not exist yet."""
    return _named("BKN_HOME") or ROOT / ".bkn"


def data_folder() -> Path:
    """The folder of fetched datasets; it need not exist yet."""
    return _named("BKN_DATA_DIR") or home() / "data"


def _named(variable: str) -> Path | None:
    given = os.environ.get(variable, "").strip()
    return Path(given).expanduser().resolve() if given else None
