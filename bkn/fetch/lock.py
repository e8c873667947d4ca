"""One process at a time works on a dataset; the others wait for it.

The lock is the kernel's: it is gone with the process that holds it, however that ends.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK_EVERY = 0.1  # seconds


@contextmanager
def locked(path: Path, waits: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of this file, which is made if missing and stays.

    Args:
        path: of the file; whoever holds the lock has written its process id into it.
        waits: hears, at every look in vain, who holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                file.seek(0)
                waits(file.read().strip() or "?")
                time.sleep(LOOK_EVERY)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield  # closing the file frees it
