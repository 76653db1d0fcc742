"""Arrays as fields of a scenario: immutable, compared by their numbers, hashed once; and as text, without loss.

Nested tuples do this for a handful of numbers. A covariance of 1440 inputs has two million.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cached_property
from typing import Any

import numpy as np

from learndyn.arguments import array
from learndyn.errors import InputError, first_line

# Up to so many numbers an array is written as nested lists, beyond as text in base64 ...
LISTED = 256
# ... and beyond so many not at all: a result then names the data by their digest.
STORED = 2**22


class FrozenArray:
    """A read-only float64 array in C order, with ``==`` and a hash."""

    def __init__(self, values: Any) -> None:
        self.values = np.array(values, dtype=float, order="C")
        self.values.setflags(write=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.values.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.values.ndim

    @cached_property
    def digest(self) -> str:
        """SHA-256 of shape and numbers."""
        return hashlib.sha256(repr(self.shape).encode() + self.values.tobytes()).hexdigest()

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype) if copy or dtype not in (None, self.values.dtype) else self.values

    def __len__(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FrozenArray):
            return NotImplemented
        return self is other or (self.shape == other.shape and np.array_equal(self.values, other.values))

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        if self.values.size <= LISTED:
            return repr(self.values.tolist())
        return f"<array {' x '.join(map(str, self.shape))}, sha256 {self.digest[:12]}>"

    def __reduce__(self) -> Any:
        return FrozenArray, (np.array(self.values),)

    def to_plain(self) -> Any:
        """Nested lists, or a table with the numbers as text, or with their digest alone."""
        if self.values.size <= LISTED:
            return self.values.tolist()
        if self.values.size > STORED:
            return {"shape": list(self.shape), "sha256": self.digest}
        little = self.values.astype("<f8").tobytes()
        return {"shape": list(self.shape), "float64": base64.b64encode(little).decode("ascii")}


def from_plain(plain: Any, name: str) -> Any:
    """What `to_plain` made, as an array; anything else unchanged."""
    if not isinstance(plain, dict) or "shape" not in plain:
        return plain
    if "float64" not in plain:
        raise InputError(
            f"Argument `{name}` is not in the file or result, which holds only the digest of an array of shape "
            f"{tuple(plain['shape'])}. Build the scenario from its data again."
        )
    try:
        numbers = np.frombuffer(base64.b64decode(plain["float64"], validate=True), dtype="<f8")
        return numbers.reshape(plain["shape"])
    except (ValueError, TypeError) as error:
        raise InputError(
            f"Argument `{name}` must be an array in base64 with its shape, but it cannot be read "
            f"({first_line(error)}). Give the array as ld.save wrote it."
        ) from None


def frozen(value: Any, name: str, hint: str = "") -> FrozenArray:
    """The value as a checked, immutable array."""
    return value if isinstance(value, FrozenArray) else FrozenArray(array(from_plain(value, name), name, hint=hint))
