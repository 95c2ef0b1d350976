"""
The command line: ``sdkbridge``, or ``python -m sdkbridge``.

Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed or something is left undone, 2 wrong
usage, 3 done but some input was refused, 130 interrupted.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module

import click

import sdkbridge
from sdkbridge.cli.exits import INTERRUPTED

_HOME = {
    "audit": "audit.audit_people",
    "check": "check.check",
    "config": "config.config",
    "deliver": "deliver.deliver",
    "demo": "demo.demo",
    "export": "exchange.export_lines",
    "graph": "graph.graph",
    "import": "exchange.import_files",
    "kissmetrics": "kissmetrics.kissmetrics",
    "lint": "lint.lint_file",
    "map": "map.map_calls",
    "migrate": "migrate.migrate",
    "outbox": "outbox.outbox",
    "people": "people.people",
    "population": "made_up.population_calls",
    "refused": "refused.refused_calls",
    "repair": "repair.repair_export",
    "replay": "replay.replay_calls",
    "resolve": "resolve.resolve_links",
    "serve": "serve.serve",
    "simulate": "simulate.simulate_calls",
    "status": "status.status",
    "sweep": "sweep.sweep_limits",
}


class _Imported(Mapping[str, click.Command]):
    """
    Every command by its name, imported when it is asked for: all together take longer than most of them.
    """

    def __getitem__(self, name: str) -> click.Command:
        module, attribute = _HOME[name].split(".")
        command: click.Command = getattr(import_module(f"sdkbridge.cli.{module}"), attribute)
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(_HOME)

    def __len__(self) -> int:
        return len(_HOME)


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


@click.group(
    cls=Commands,
    commands=_Imported(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(sdkbridge.__version__, prog_name="sdkbridge")
def main() -> None:
    """
    Segment calls in, Kissmetrics people out: see an alias before it is sent, because none can be undone.
    """
