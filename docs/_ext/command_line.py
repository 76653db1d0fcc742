"""The reference of the command line, written by the commands themselves: docs/_generated/commands.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer.main


def reference() -> str:
    """The commands in Markdown: usage, arguments and options of each, in the words of `--help`."""
    from learndyn.cli import app

    group: Any = typer.main.get_command(app)
    return "\n".join(_command(name, group.commands[name]) for name in group.commands)


def _command(name: str, command: Any) -> str:
    arguments = [entry for entry in command.params if entry.param_type_name == "argument"]
    options = [entry for entry in command.params if entry.param_type_name != "argument" and not entry.hidden]
    usage = " ".join(["learndyn", name, "[OPTIONS]", *(entry.metavar or entry.name.upper() for entry in arguments)])
    lines = [f"## learndyn {name}", "", _prose(command.help), "", "```text", usage, "```", ""]
    for entry in arguments:
        if getattr(entry, "help", None):
            lines += [f"`{entry.metavar or entry.name.upper()}`", f": {_sentence(entry.help)}", ""]
    for entry in options:
        names = [*entry.opts, *entry.secondary_opts]
        shown = ", ".join(f"`{option}`" for option in sorted(names, key=len, reverse=True))
        lines += [shown, f": {_sentence(entry.help or '')}{_default(entry)}", ""]
    return "\n".join(lines)


def _prose(text: str | None) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", (text or "").strip())


def _sentence(text: str) -> str:
    text = _prose(text)
    return text if text.endswith((".", ":")) else f"{text}."


def _default(option: Any) -> str:
    value = getattr(option.default, "value", option.default)  # of an enumeration, the word
    if option.is_flag or value is None or callable(value) or value in ((), []):
        return ""
    return f" Default: `{value}`."


def write(app: Any) -> None:
    """Write the reference beside the sources, where a page includes it; not again when nothing has changed."""
    path = Path(app.srcdir) / "_generated" / "commands.md"
    path.parent.mkdir(exist_ok=True)
    text = reference()
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Write before Sphinx reads."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
