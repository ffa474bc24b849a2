"""The sandbox's own commands, on the service's CLI: they bring their own settings and need none of the merchant's."""

from __future__ import annotations

import sys

import click


def register(cli: click.Group) -> None:
    """Add `flask sandbox` and `flask demo` to ``cli``; what they need is imported when they run."""

    @cli.command("sandbox")
    @click.option("--host", default="127.0.0.1", show_default=True)
    @click.option("--port", default=8001, show_default=True)
    @click.option(
        "--webhook-url", default="http://127.0.0.1:8000/webhooks/shopify", show_default=True, help="Where webhooks go."
    )
    @click.option("--mail-port", default=8025, show_default=True, help="For the mail server; 0: none.")
    def sandbox(host: str, port: int, webhook_url: str, mail_port: int) -> None:
        """Serve stand-ins for Shopify, Smaregi, HubSpot and a mail server, with a page to register by hand."""
        from sandbox.config import SandboxConfig  # noqa: PLC0415
        from sandbox.server import serve, settings_env  # noqa: PLC0415

        config = SandboxConfig(webhook_url=webhook_url)
        url = f"http://{host}:{port}"
        click.echo(f"the shop: {url}/    control: {url}/sandbox/records    settings for the service:")
        smtp_url = f"smtp://{host}:{mail_port}" if mail_port else None
        for name, value in settings_env(url, config, smtp_url).items():
            click.echo(f"  {name}={value}")
        serve(host, port, config, mail_port=mail_port)

    @cli.command("demo")
    @click.option("--once", is_flag=True, help="End when all have arrived: exit code 0, or 1 with the reason.")
    @click.option("--port", default=8000, show_default=True, help="For the web door; another one if it is taken.")
    @click.option("--sandbox-port", default=8001, show_default=True, help="For the shop and the other far sides.")
    @click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        help="A setting of the service, as in SMAREGI_MATCHED_MEMBER=replace_code; may be repeated.",
    )
    def demo(once: bool, port: int, sandbox_port: int, settings: tuple[str, ...]) -> None:
        """See the whole flow on this machine: five customers on their way to the till and to the marketing."""
        from sandbox.demo import run  # noqa: PLC0415

        told = dict(one.partition("=")[::2] for one in settings)
        if wrong := [one for one in settings if "=" not in one] or [
            one for one in told if one in {"LOG_FORMAT", "PORT"}
        ]:
            raise click.BadParameter(f"{wrong[0]}: write NAME=VALUE; LOG_FORMAT and PORT are the demo's own")
        sys.exit(run(once=once, port=port, sandbox_port=sandbox_port, settings=told))
