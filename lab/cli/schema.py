"""`kvmlab schema`: the JSON Schema of experiment files, for editors."""

from __future__ import annotations

import click

from lab.cli.options import print_json
from lab.design.experiment import Experiment


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of experiment files."""
    print_json(Experiment.model_json_schema())
