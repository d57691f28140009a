"""The command line: one module per command; the only place that exits the process."""

from __future__ import annotations

import os
import sys

import click

from lab.cli.options import Settings, results_option
from lab.errors import Exit, LabError

COMMANDS = {
    "doctor": "what can these hosts do, and what mends what they cannot",
    "commonality": "what do these hosts' kernels have in common, counted and drawn",
    "plan": "what would a run do, and what could it show",
    "run": "run an experiment on hosts",
    "nightly": "run, store, compare with history, alert: the whole night",
    "alerts": "what got worse and stands, who looks after it, how to see it again",
    "serve": "show the store of nights as a site, on loopback",
    "breaks": "where series of nights begin anew, and why",
    "observe": "watch VMs that run already, changing nothing",
    "list": "list the runs in the store",
    "show": "show a run: plan, facts, errors",
    "check": "how far to trust a run, and what mends it",
    "compare": "compare settings, runs, kernels, hosts or architectures",
    "recommend": "what to set, and what it costs",
    "report": "write a run's HTML report",
    "simulate": "what other settings of halt polling would have done",
    "tune": "which setting of halt polling to take",
    "what-if": "what a change of defaults does to all recorded workloads",
    "validate": "hold the replay's predictions against measurements",
    "fleet": "hosts of four architectures, emulated on this machine",
    "restore": "undo on the hosts what a dead agent left",
    "schema": "print the JSON Schema of experiment files",
    "completion": "print shell completion",
}


class Lab(click.Group):
    """Commands are imported when they are asked for: completion and --help stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = __import__(f"lab.cli.{cmd_name.replace('-', '_')}", fromlist=["command"])
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Lab, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kvmlab")
@results_option
@click.pass_context
def kvmlab(context: click.Context, results: str) -> None:
    """Measure KVM guest entry/exit and halt polling on hosts of any architecture."""
    context.obj = Settings.of(results)


def main() -> None:
    """Run the command line and exit with one of `lab.errors.Exit`."""
    try:
        kvmlab.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("kvmlab: interrupted", err=True)
        sys.exit(Exit.INTERRUPTED)
    except LabError as error:
        click.echo(f"kvmlab: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of stdout has gone (`| head`): nothing is wrong, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.OK)
