"""The command that makes the console's password."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup
from werkzeug.security import generate_password_hash

SHORTEST = 10


def register(cli: click.Group) -> None:
    """Add the command to ``cli``; it needs no settings, for it helps to make them."""
    cli.add_command(_console())


def _console() -> click.Command:
    group = AppGroup("console", help="The console at /console.")

    @group.command("hash-password")
    @click.option("--stdin", is_flag=True, help="Read the password from the first line of stdin, and do not ask.")
    @click.option("--view", is_flag=True, help="For those who may look and change nothing.")
    def hash_password(stdin: bool, view: bool) -> None:
        """Ask for a password, and print the line for .env that opens the console with it."""
        if stdin:
            password = sys.stdin.readline().rstrip("\r\n")
        else:
            password = click.prompt("Password", hide_input=True, confirmation_prompt="The same again", err=True)
        if len(password) < SHORTEST:
            raise click.ClickException(f"a password has {SHORTEST} characters or more: a few words are best")
        name = "CONSOLE_VIEW_PASSWORD_HASH" if view else "CONSOLE_PASSWORD_HASH"
        click.echo(
            "put this line into .env, and start the web process anew (in a shell: between single quotes):", err=True
        )
        click.echo(f"{name}={generate_password_hash(password)}")

    return group
