"""The card of the operator's own pictures; how many there are, only the disk knows."""

from bkn.cards import DatasetCard, Param

CARD = DatasetCard(
    "folder",
    "A folder of pictures, set up by whoever runs this lab",
    "Pictures of your own, one subfolder per class, brought to one size in colour. The environment "
    "of the server names the folder: BKN_FOLDER, and BKN_FOLDER_SIZE for the size in pixels.",
    "bkn.data.folder:load",
    source="a folder on this machine",
    finder="bkn.data.listing:found",
    found=(
        Param("content", 0, "Mark of the pictures.", 0, 2**48 - 1, integer=True),
        Param("train", 1, "Pictures for training.", 1, 10_000_000, integer=True),
        Param("test", 1, "Pictures for testing.", 1, 10_000_000, integer=True),
        Param("classes", 2, "Classes.", 2, 100_000, integer=True),
        Param("size", 32, "Height and width in pixels.", 8, 224, integer=True),
    ),
)
