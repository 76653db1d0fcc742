"""Reading an IDX file, the format of MNIST: a header of big-endian numbers, then the bytes.

0, 0, type (8: unsigned bytes), number of dimensions d      4 bytes
length of each dimension                                     4 d bytes
the entries, the last dimension running fastest              their product, in bytes
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np

from learndyn.arguments import shown
from learndyn.errors import InputError

UNSIGNED_BYTES = 8


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in an IDX file of unsigned bytes, gzipped or not.

    Parameters
    ----------
    path
        The file; that it is gzipped is seen from its first bytes, whatever its name.

    Returns
    -------
    numpy.ndarray
        Of dtype uint8, in the shape that the header states.

    Raises
    ------
    InputError
        When the file cannot be read, is no IDX file, holds other numbers than bytes, or is cut short or too long.

    References
    ----------
    LeCun, Cortes & Burges: The MNIST database of handwritten digits, section on file formats.

    Examples
    --------
    >>> import tempfile, pathlib, learndyn as ld
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name) / "two-by-three"
    >>> _ = path.write_bytes(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]))
    >>> ld.datasets.read_idx(path).tolist()
    [[1, 2, 3], [4, 5, 6]]
    >>> folder.cleanup()
    """
    return parse_idx(content_of(path), path)


def content_of(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file, decompressed when it is gzipped."""
    if not isinstance(path, str | os.PathLike):
        raise InputError(
            f"Argument `path` must be the name of a file, but it is {shown(path)}. "
            "Write path='train-images-idx3-ubyte.gz', say."
        )
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"File {path} cannot be read: {reason}. Check the name and the permissions.") from None
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error):
        raise InputError(f"File {path} cannot be decompressed: it is cut short or damaged. Fetch it again.") from None


def parse_idx(content: bytes, path: str | os.PathLike[str]) -> np.ndarray:
    """The array in the bytes of an IDX file; `path` names it in what is said about it."""
    if len(content) < 4 or content[:2] != b"\0\0" or content[3] == 0:
        raise InputError(
            f"File {path} must begin like an IDX file, with the bytes 0, 0, 8 and the number of dimensions, but it "
            f"begins with {list(content[:4])}. Check that it is the right file."
        )
    if content[2] != UNSIGNED_BYTES:
        raise InputError(
            f"File {path} must hold unsigned bytes (type {UNSIGNED_BYTES}), but its type is {content[2]}. "
            "Check that it is the right file."
        )
    dimensions = content[3]
    begin = 4 + 4 * dimensions
    if len(content) < begin:
        raise InputError(f"File {path} must state {dimensions} lengths, but it ends before them. Fetch it again.")
    shape = struct.unpack(f">{dimensions}I", content[4:begin])
    expected = begin + prod(shape)
    if len(content) != expected:
        what = "is cut short" if len(content) < expected else "is too long"
        lengths = " x ".join(map(str, shape))
        raise InputError(
            f"File {path} must have {expected} bytes for its {lengths} entries, but it {what}: it has {len(content)}. "
            "Fetch it again."
        )
    return np.frombuffer(content, dtype=np.uint8, offset=begin).reshape(shape)
