"""Serving the sandbox: inside a test or the demo as a thread, or by hand as a process of its own."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from flask import Flask
from gunicorn.app.base import BaseApplication

from sandbox.config import SandboxConfig
from sandbox.core import create_sandbox, world_of
from sandbox.keepalive import KeepAliveServer
from sandbox.mail import MailServer
from sandbox.webhooks_delivery import ADMIN_KEY, OLD_SECRET
from sandbox.world import Clock, World, now

MAIL_FROM = "見本商店 <shop@example.jp>"


def settings_env(url: str, config: SandboxConfig, smtp_url: str | None = None) -> dict[str, str]:
    """The environment with which the service talks to a sandbox at `url`, its invented credentials included.

    With `smtp_url`, welcome mails are on and go there.
    """
    mails = {"SMTP_URL": smtp_url, "MAIL_FROM": MAIL_FROM, "ENABLE_WELCOME_EMAIL": "true"} if smtp_url else {}
    return {
        "SHOPIFY_SHOP": config.shop,
        "SHOPIFY_WEBHOOK_SECRETS": ",".join((config.webhook_secret, OLD_SECRET, ADMIN_KEY)),
        "SHOPIFY_ACCESS_TOKEN": config.shopify_access_token,
        "SHOPIFY_API_URL": f"{url}/shopify",
        "SMAREGI_CONTRACT_ID": config.contract_id,
        "SMAREGI_CLIENT_ID": config.smaregi_client_id,
        "SMAREGI_CLIENT_SECRET": config.smaregi_client_secret,
        "SMAREGI_API_URL": f"{url}/smaregi",
        "SMAREGI_AUTH_URL": f"{url}/smaregi-id",
        "HUBSPOT_ACCESS_TOKEN": config.hubspot_token,
        "HUBSPOT_API_URL": f"{url}/hubspot",
        **mails,
    }


class RunningSandbox:
    """A sandbox on a free port of 127.0.0.1 for the length of a `with` block.

    `url` is its address, `world` its state, `app` the Flask app, `settings_env()` what the service needs to find it.
    `mail_port` (0: any free one) starts the mail server, too.
    """

    def __init__(
        self,
        config: SandboxConfig | None = None,
        clock: Clock = now,
        pause: Callable[[float], None] | None = None,
        port: int = 0,
        mail_port: int | None = None,
    ) -> None:
        self.config = config or SandboxConfig()
        self.app: Flask = (
            create_sandbox(self.config, clock) if pause is None else create_sandbox(self.config, clock, pause)
        )
        self.world: World = world_of(self.app)
        self._port = port
        self._mail = None if mail_port is None else MailServer(self.world, port=mail_port)
        self._server: KeepAliveServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address without a slash at its end. Raises RuntimeError outside the `with` block."""
        if self._server is None:
            raise RuntimeError("this sandbox is not running: use it in a `with` block")
        return f"http://127.0.0.1:{self._server.server_port}"

    def settings_env(self) -> dict[str, str]:
        """Environment variables that point the service at this sandbox."""
        return settings_env(self.url, self.config, self.smtp_url)

    @property
    def smtp_url(self) -> str | None:
        """Where the mail server is, if there is one."""
        return self._mail.url if self._mail else None

    def __enter__(self) -> Self:
        self._server = KeepAliveServer("127.0.0.1", self._port, self.app)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="sandbox", daemon=True)
        self._thread.start()
        if self._mail:
            self._mail.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        assert self._thread is not None
        if self._mail:
            self._mail.__exit__()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self.world.close()
        self._server.server_close()
        self._server = None


def serve(host: str, port: int, config: SandboxConfig | None = None, *, mail_port: int = 0) -> None:
    """Serve a sandbox until the process is told to end: gunicorn, one worker (the state is in memory), 128 threads.

    The mail server, unless its port is 0, runs on a thread of that worker.
    """
    _Gunicorn(create_sandbox(config), host, port, mail_port).run()


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    def __init__(self, app: Flask, host: str, port: int, mail_port: int) -> None:
        self._app = app
        self._host = host
        self._bind = f"{host}:{port}"
        self._mail_port = mail_port
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": self._bind,
            "worker_class": "gthread",
            "workers": 1,
            "threads": 128,
            "worker_connections": 2000,
            "backlog": 2048,
            "keepalive": 75,
            "timeout": 0,
            "graceful_timeout": 1,
            "loglevel": "warning",
            "accesslog": None,
            "proc_name": "sandbox",
            # Else it would share one control socket in the home folder with the service's own gunicorn.
            "control_socket_disable": True,
        }
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        # In the worker, after the fork: a thread would not come along.
        if self._mail_port:
            MailServer(world_of(self._app), self._host, self._mail_port).__enter__()
        return self._app
