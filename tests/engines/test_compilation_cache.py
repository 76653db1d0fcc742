"""Where compiled programs are kept. What it does for a process: tests/test_cli.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from learndyn.engines import compilation_cache

ENABLE = """
import sys, jax
from learndyn.engines import compilation_cache
print(compilation_cache.enable(sys.argv[1]))
print(jax.config.jax_compilation_cache_dir)
"""


def enable(directory, **environment):
    """The directory in use and JAX's own, in a fresh process: the setting is global."""
    command = [sys.executable, "-c", ENABLE, str(directory)]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_directory_is_named_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("LEARNDYN_CACHE_DIR", str(tmp_path / "own"))
    assert compilation_cache.default_directory() == tmp_path / "own"


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="these have another place for caches")
def test_the_directory_is_else_the_users(monkeypatch, tmp_path):
    monkeypatch.delenv("LEARNDYN_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compilation_cache.default_directory() == tmp_path / "learndyn"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert compilation_cache.default_directory() == Path.home() / ".cache/learndyn"


def test_a_directory_that_cannot_be_made_is_no_error(tmp_path):
    (tmp_path / "file").touch()
    assert compilation_cache.enable(tmp_path / "file") is None


def test_jax_is_told(tmp_path):
    used, jax_directory = enable(tmp_path)
    assert Path(used).parent == tmp_path
    assert Path(jax_directory).parent == Path(used)


def test_a_directory_that_the_user_has_set_for_jax_stays(tmp_path):
    used, jax_directory = enable(tmp_path, JAX_COMPILATION_CACHE_DIR=str(tmp_path / "jax"))
    assert Path(used).parent == tmp_path
    assert jax_directory == str(tmp_path / "jax")


LIMITED = """
import resource, sys
import jax, jax.numpy as jnp
from learndyn.engines import compilation_cache
if sys.argv[3] == "whole":
    compilation_cache.enable(sys.argv[1])
else:
    jax.config.update("jax_compilation_cache_dir", sys.argv[1])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
print(jax.jit(lambda x: jnp.sin(x) + 1)(jnp.zeros(4)))
"""


def entries(directory, limit, how):
    """Sizes of JAX's files when a process may write `limit` bytes to a file."""
    command = [sys.executable, "-W", "ignore", "-c", LIMITED, str(directory), str(limit), how]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[1. 1. 1. 1.]\n"
    return {path.name: path.stat().st_size for path in directory.rglob("*") if path.is_file()}


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_a_file_is_written_whole_or_not_at_all_and_a_damaged_one_again(tmp_path):
    assert any(size == 500 for size in entries(tmp_path / "jax", 500, "in place").values())  # what JAX does
    folder = tmp_path / "learndyn"
    assert not entries(folder, 500, "whole")
    whole = entries(folder, 10**8, "whole")
    assert whole
    for path in folder.rglob("*-cache"):
        path.write_bytes(path.read_bytes()[:500])
    again = entries(folder, 10**8, "whole")
    assert again.keys() == whole.keys()
    assert all(size > 500 for name, size in again.items() if name.endswith("-cache"))
