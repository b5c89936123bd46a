"""What is learned from what people decide."""

import click

from isco_rag.commands.flags import close_flag, flags


@click.group()
def learn() -> None:
    """Find what contradicts itself."""


learn.add_command(flags)
learn.add_command(close_flag)
