"""The command line: parse, call, print. What takes time to import is imported inside the commands.

Exit codes: 0 done; 2 input that cannot be used (one sentence on stderr); 3 a run that ended early (what it has is
written), or a sweep of which some scenarios could not be run; 130 interrupted (what was kept is written).

commands            the group of the commands, what it makes of errors, and `main`
common              what the commands share
run, sweep, ...     a command each
"""

from learndyn.cli import equations, explore, export_html, figure, run, show, sweep
from learndyn.cli.commands import app, main

for command in (
    run.run, sweep.sweep, show.show, equations.equations, figure.figure, explore.explore, export_html.export_html,
):  # fmt: skip
    app.command()(command)

__all__ = ["app", "main"]
