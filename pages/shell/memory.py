"""Results that are kept within a bound of bytes, the longest unused going first.

`st.cache_resource` counts entries; a clip of twenty minutes and one of a second are one each.
"""

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import numpy as np
import torch

T = TypeVar("T")
MEGABYTE = 1 << 20


class Memory(Generic[T]):
    """Values by key, at most `most` bytes of arrays; shared by all sessions of a process.

    A value that is larger than the bound is kept alone. Who asks for a value that another thread
    is making waits for it; other keys are not held up.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.bytes = 0
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of a key, made where it is not there; what `make` raises is passed on."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key][0]
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._values:
                    return self._values[key][0]
            try:
                value = make()
                self._put(key, value)
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return value

    def _put(self, key: Hashable, value: T) -> None:
        size = nbytes(value)
        with self._lock:
            self._values[key] = value, size
            self.bytes += size
            while self.bytes > self.most and len(self._values) > 1:
                self.bytes -= self._values.popitem(last=False)[1][1]


def nbytes(value: Any) -> int:
    """Bytes of the arrays and tensors in a value: itself, a sequence, a dataclass."""
    if isinstance(value, torch.Tensor):
        return value.untyped_storage().nbytes()
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, (bytes, bytearray)):
        return len(value)
    if isinstance(value, (tuple, list)):
        return sum(nbytes(part) for part in value)
    if dataclasses.is_dataclass(value):
        return sum(nbytes(getattr(value, field.name)) for field in dataclasses.fields(value))
    return 0
