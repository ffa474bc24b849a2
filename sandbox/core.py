"""The sandbox as one Flask app: three stand-ins, the page of the shop, and the doors under /sandbox that steer it."""

import importlib
import importlib.util
import time
from collections.abc import Callable
from typing import cast

from flask import Flask

from sandbox import control, hubspot, smaregi
from sandbox.config import SandboxConfig
from sandbox.gate import FaultGate
from sandbox.world import Clock, World, now

__all__ = ["SandboxConfig", "World", "create_sandbox", "world_of"]


def create_sandbox(
    config: SandboxConfig | None = None, clock: Clock = now, pause: Callable[[float], None] = time.sleep
) -> Flask:
    """The far side, ready to be served. `clock` and `pause` can be replaced by tests; `world_of(app)` is its state.

    Mounts: `/shopify`, `/smaregi`, `/smaregi-id`, `/hubspot`, `/sandbox` (control) and `/` (the shop's own page).
    """
    world = World(config or SandboxConfig(), clock, pause)
    app = Flask("sandbox")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.extensions["world"] = world
    app.register_blueprint(smaregi.blueprint(world))
    app.register_blueprint(hubspot.blueprint(world))
    app.register_blueprint(control.blueprint(world))
    _plug_in_shop(app, world)
    app.wsgi_app = FaultGate(app.wsgi_app, world.faults, world.calls, pause)  # type: ignore[method-assign]
    return app


def world_of(app: Flask) -> World:
    """The state behind an app made by `create_sandbox`."""
    return cast(World, app.extensions["world"])


def _plug_in_shop(app: Flask, world: World) -> None:
    # Looked up late: these modules import the world, so they cannot be imported while it is being made.
    if importlib.util.find_spec("sandbox.shopify"):
        shop = importlib.import_module("sandbox.shopify")
        world.shopify = shop.ShopShelf(world.config)
        app.register_blueprint(shop.blueprint(world))
    if importlib.util.find_spec("sandbox.page"):
        app.register_blueprint(importlib.import_module("sandbox.page").blueprint(world))
        app.register_blueprint(importlib.import_module("sandbox.page_mails").blueprint(world))
