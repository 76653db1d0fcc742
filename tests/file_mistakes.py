"""Reading texts as scenario files, and the lines of their mistakes."""

import pytest

import learndyn as ld


def reading(tmp_path):
    """Reads a text as a scenario file; the file's name is left out of error messages. For a fixture."""

    def from_text(text, **options):
        path = tmp_path / "case.toml"
        path.write_text(text, encoding="utf-8")
        try:
            return ld.read_scenario_file(path, **options)
        except ld.InputError as error:
            lines = str(error).split("\n")
            assert all(line.startswith(f"{path}: ") for line in lines)
            raise ld.InputError("\n".join(line.removeprefix(f"{path}: ") for line in lines)) from None

    return from_text


def mistakes(read, text, **options):
    with pytest.raises(ld.InputError) as caught:
        read(text, **options)
    return str(caught.value).split("\n")
