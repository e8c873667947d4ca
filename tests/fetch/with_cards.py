"""python -m bkn with other cards of datasets: `python -m tests.fetch.with_cards CARDS ARGUMENTS`.

CARDS is a file of pickled cards, as a test wrote it.
"""

import pickle
import sys
from pathlib import Path

from bkn.__main__ import main
from bkn.catalog import DATASETS

if __name__ == "__main__":
    for card in pickle.loads(Path(sys.argv[1]).read_bytes()):
        DATASETS[card.key] = card
    sys.exit(main(sys.argv[2:]))
