"""The examples in docstrings run and say the truth; every public name has one."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import learndyn as ld

# Where public names live. (Commands of the command line are tested as commands.)
PUBLIC_MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages(ld.__path__, "learndyn.")
    if not any(part.startswith("_") for part in name.split(".")) and name != "learndyn.cli"
]


def examples(module):
    """The docstrings of a module that hold examples, its functions' and classes' included."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for test in finder.find(module, module.__name__) if test.examples]


@pytest.mark.parametrize("name", ["learndyn", *PUBLIC_MODULES])
def test_examples_run(name):
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.REPORT_ONLY_FIRST_FAILURE)
    for test in examples(module):
        report = []
        runner.run(test, out=report.append)
        assert not report, "".join(report)


def test_the_examples_are_found():
    found = {test.name for name in ("learndyn", *PUBLIC_MODULES) for test in examples(importlib.import_module(name))}
    assert {
        "learndyn",
        "learndyn.verbs.theory.solve",
        "learndyn.results.save",
        "learndyn.activations.base.Activation",
    } <= found


@pytest.mark.parametrize("name", ld.__all__)
def test_public_names_have_a_docstring_with_an_example(name):
    thing = getattr(ld, name)
    text = inspect.getdoc(thing)
    assert text, f"learndyn.{name} has no docstring"
    assert len(text.splitlines()[0]) > 10
    if inspect.ismodule(thing) or (isinstance(thing, type) and issubclass(thing, BaseException | Warning)):
        return
    assert "Examples\n--------\n" in text, f"the docstring of learndyn.{name} has no section Examples"
    assert ">>> " in text or "See `" in text


def test_every_public_name_is_reachable():
    assert set(ld.__all__) <= set(dir(ld))
    assert len(ld.__all__) == len(set(ld.__all__))
    with pytest.raises(AttributeError, match=r"module 'learndyn' has no attribute 'slove'\. Did you mean 'solve'\?"):
        _ = ld.slove
