"""`kvmlab completion SHELL`: the script that makes the shell complete commands and runs."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of SHELL.

    For bash: eval "$(kvmlab completion bash)"
    """
    from lab.cli import kvmlab  # noqa: PLC0415  (this module is one of its commands)

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101  (the choice is one of click's own)
    click.echo(kind(kvmlab, {}, "kvmlab", "_KVMLAB_COMPLETE").source())
