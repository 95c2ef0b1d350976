"""
The command line: ``sdkbridge``, or ``python -m sdkbridge``.

Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed or something is left undone, 2 wrong
usage, 3 done but some input was refused, 130 interrupted.
"""

import click

import sdkbridge
from sdkbridge.cli.audit import audit_people
from sdkbridge.cli.check import check
from sdkbridge.cli.config import config
from sdkbridge.cli.deliver import deliver
from sdkbridge.cli.demo import demo
from sdkbridge.cli.exchange import export_lines, import_files
from sdkbridge.cli.exits import INTERRUPTED
from sdkbridge.cli.graph import graph
from sdkbridge.cli.kissmetrics import kissmetrics
from sdkbridge.cli.lint import lint_file
from sdkbridge.cli.made_up import population_calls
from sdkbridge.cli.map import map_calls
from sdkbridge.cli.migrate import migrate
from sdkbridge.cli.outbox import outbox
from sdkbridge.cli.people import people
from sdkbridge.cli.refused import refused_calls
from sdkbridge.cli.repair import repair_export
from sdkbridge.cli.replay import replay_calls
from sdkbridge.cli.resolve import resolve_links
from sdkbridge.cli.serve import serve
from sdkbridge.cli.simulate import simulate_calls
from sdkbridge.cli.status import status
from sdkbridge.cli.sweep import sweep_limits


class Commands(click.Group):
    """
    A group of commands that ends with 130 when it is interrupted, as shells expect.
    """

    def invoke(self, ctx: click.Context) -> object:
        """
        Run the command that was asked for.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise SystemExit(INTERRUPTED) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(sdkbridge.__version__, prog_name="sdkbridge")
def main() -> None:
    """
    Segment calls in, Kissmetrics people out: see an alias before it is sent, because none can be undone.
    """


COMMANDS = (
    *(demo, replay_calls, serve, deliver, outbox, graph, status, migrate, check, config, refused_calls),
    *(map_calls, lint_file, kissmetrics, people, export_lines, import_files),
    *(audit_people, repair_export, resolve_links, population_calls, simulate_calls, sweep_limits),
)
for command in COMMANDS:
    main.add_command(command)
