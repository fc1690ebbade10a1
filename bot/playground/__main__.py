"""`python -m bot.playground --port 8765`: the playground as a process of its own, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys

import click

from bot.playground.server import DEFAULT_TOKEN, Playground


@click.command()
@click.option("--port", default=8765, show_default=True, help="0 picks a free one.")
@click.option(
    "--group-limit/--no-group-limit",
    default=True,
    show_default=True,
    help="20 messages a minute into a group.",
)
@click.option("--people", default=0, help="So many more people: p1, p2, … For load and faults.")
def main(port: int, *, group_limit: bool, people: int) -> None:
    """A local Bot API server with a chat page. Its address is the first line that it prints."""
    try:
        asyncio.run(_serve(port, group_limit=group_limit, people=people))
    except OSError as error:
        click.echo(f"The playground cannot listen on port {port}: {error.strerror or error}", err=True)
        sys.exit(1)


async def _serve(port: int, *, group_limit: bool, people: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Playground(port=port, token=DEFAULT_TOKEN, group_limit=group_limit) as playground:
        for person in range(1, people + 1):
            playground.api.world.add_person(
                f"p{person}", user_id=200_000_000 + person, name=f"Person {person}"
            )
        click.echo(playground.url)
        await stop.wait()


if __name__ == "__main__":
    main()
