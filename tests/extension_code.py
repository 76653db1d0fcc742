"""The files of docs/extending/code as modules, and a house that forgets what they registered."""

import importlib.util
import sys
from contextlib import contextmanager
from pathlib import Path

from learndyn import scenario_keys
from learndyn.activations import registry
from learndyn.entry_points import load_extensions
from learndyn.scenarios import plain

CODE = Path(__file__).parent.parent / "docs" / "extending" / "code"


def load(name):
    """The module of a file, run anew."""
    qualified = f"docs_extending_{name}"
    spec = importlib.util.spec_from_file_location(qualified, CODE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    # Pickle looks classes up there.
    sys.modules[qualified] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def nothing_registered():
    """What is registered inside is forgotten afterwards."""
    known = [plain.KINDS, plain.STARTS, scenario_keys.SCENARIOS, scenario_keys.STARTS_OF, registry._USERS]
    known.append(scenario_keys.TABLES["scenario"])
    before = [dict(table) for table in known]
    load_extensions.cache_clear()
    try:
        yield
    finally:
        for table, content in zip(known, before, strict=True):
            table.clear()
            table.update(content)
        load_extensions.cache_clear()
