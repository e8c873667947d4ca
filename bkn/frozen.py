"""A dict that stays as it is, for the options inside a frozen experiment."""

from collections.abc import Mapping
from typing import Any, NoReturn


class FrozenDict(dict[str, Any]):
    """Reads, compares, prints and becomes JSON as any dict; nothing in it can be changed.

    A dict still, and no view of one: `asdict`, `deepcopy` and pickling know what to do with it.
    """

    def __init__(self, *args: Any, **named: Any):
        super().__init__(*args, **named)
        for key, value in self.items():
            if isinstance(value, Mapping) and not isinstance(value, FrozenDict):
                super().__setitem__(key, FrozenDict(value))

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("what is frozen cannot be changed: make a new one of dict(this)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    update = setdefault = pop = popitem = clear = _refuse

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return type(self), (dict(self),)  # or unpickling would set item after item
