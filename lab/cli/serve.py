"""`kvmlab serve`: a store of nights as a site, on loopback or in a folder."""

from __future__ import annotations

from pathlib import Path

import click

from lab.cli import options
from lab.errors import UsageError

PORT = 8018


@click.command("serve")
@options.store_option
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True)
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    help="write the pages into a folder instead",
)
def command(url: str, port: int, into: Path | None) -> None:
    """Show a store: what moved last night, what is equivalent, what is unknown.

    The site is read-only and answers this machine alone, until Ctrl-C. The pages of --into need no
    server and no network.
    """
    from lab.history.store import Store  # noqa: PLC0415
    from lab.report.site import Site, server  # noqa: PLC0415  (plotly is slow to import)

    store = Store.find(url)
    if into:
        click.echo(Site.of(store).write(into))
        return
    try:
        listening = server(store, port)
    except OSError as error:
        raise UsageError(
            f"port {port} cannot be listened on ({error.strerror}): give another with --port"
        ) from error
    with listening:
        click.echo(f"http://localhost:{listening.server_port}/")
        listening.serve_forever()
