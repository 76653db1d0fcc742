"""The command line: parse, call, print. What takes time to import is imported inside the commands.

Exit codes: 0 done; 2 input that cannot be used (one sentence on stderr); 3 a run that ended early (what it has is
written); 130 interrupted (what was kept is written).

commands             the group of the commands, what it makes of errors, and `main`
common               what the commands share
run, show, figure    a command each
"""

from learndyn.cli import figure, run, show
from learndyn.cli.commands import app, main

for command in (run.run, show.show, figure.figure):
    app.command()(command)

__all__ = ["app", "main"]
