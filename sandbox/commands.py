"""The sandbox's own commands, on the service's CLI: they bring their own settings and need none of the merchant's."""

from __future__ import annotations

import click


def register(cli: click.Group) -> None:
    """Add `flask sandbox` and `flask demo` to ``cli``; what they need is imported when they run."""

    @cli.command("sandbox")
    @click.option("--host", default="127.0.0.1", show_default=True)
    @click.option("--port", default=8001, show_default=True)
    @click.option(
        "--webhook-url", default="http://127.0.0.1:8000/webhooks/shopify", show_default=True, help="Where webhooks go."
    )
    def sandbox(host: str, port: int, webhook_url: str) -> None:
        """Serve stand-ins for Shopify, Smaregi and HubSpot, with a page to register a customer by hand."""
        from sandbox.config import SandboxConfig  # noqa: PLC0415
        from sandbox.server import serve, settings_env  # noqa: PLC0415

        config = SandboxConfig(webhook_url=webhook_url)
        url = f"http://{host}:{port}"
        click.echo(f"the shop: {url}/    control: {url}/sandbox/records    settings for the service:")
        for name, value in settings_env(url, config).items():
            click.echo(f"  {name}={value}")
        serve(host, port, config)
