"""The roof: ``create_app()`` builds every part once and hands each what it needs. Reads as a table of contents.

``gunicorn -c config/gunicorn.py 'app:create_app()'`` runs the web door; ``flask worker`` carries; ``flask --help``
lists what is done by hand.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
import structlog
from flask import Flask
from pydantic import SecretStr

from clients import spans
from clients.lane import Lane
from clients.mail.letters import Letters
from clients.notify import split_addresses
from clients.shopify.setting import read_metafields_setting
from clients.shopify.signature import labelled
from clients.token import Token
from config.listing import listing, read_env_file, unknown
from config.logs import one_write, set_up_logs
from config.settings import Settings, WrongSetting, read_settings
from config.traces import read_traces
from handlers import cli, cli_alerts, cli_console, cli_deliveries, cli_doctor, cli_mail, cli_privacy, doctor_settings
from handlers.alerting import Rules
from handlers.api import StatusApi
from handlers.console.example import meanings
from handlers.console.setup import ConsoleSetup, Set
from handlers.doctor import Check
from handlers.front import on_threads
from handlers.house import DESTINATIONS, LANES, MAIL, READS, SYNCED, House
from handlers.lookout import Lookout
from handlers.status import status_door
from handlers.tally import Tally
from handlers.terminal import Said
from handlers.watchman import Audience, Watchman
from handlers.webhook import Door
from ledger.alerts import Alerts
from ledger.arrival import Arrival, Recorded
from ledger.audit import Audit
from ledger.book import Book
from ledger.browse import Browse
from ledger.census import Census
from ledger.database import Database, StoreBusy
from ledger.deliveries import Deliveries
from ledger.erase import Erasing
from ledger.inbox import Inbox
from ledger.keeps import Paces, Tallies, TokenVault
from ledger.keys import KeyCheck
from ledger.mail_flags import MailFlags
from ledger.mails import Mails, Welcome
from ledger.members import Members
from ledger.prune import Pruning
from ledger.report import Report
from ledger.resync import Resync
from ledger.rollups import Rollups
from ledger.seal import Seal, WrongKey
from ledger.search import Search
from ledger.search_index import SearchIndex
from ledger.standing import Standings
from ledger.unreadable import Unreadable
from ledger.unseen import Unseen
from ledger.waiting import Waiting
from sandbox import commands as sandbox_commands

if TYPE_CHECKING:
    from handlers.answers import Answers


def create_app(settings: Settings | None = None, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Flask:
    """The service as a Flask app: the web doors, and the commands.

    A wrong setting stops the start with its name and the mend. Under Flask's CLI it stops each command that needs the
    settings, so that `flask demo` and `flask sandbox`, which bring their own, can still be run.
    """
    try:
        settings = settings or read_settings()
    except WrongSetting as e:
        if click.get_current_context(silent=True) is None:
            sys.exit(str(e))
        return _app_without_settings(str(e))
    set_up_logs(settings.log_format)
    if tracing := read_traces(os.environ):
        spans.tell_to(tracing)
    house = build(settings, now)
    app = Flask(__name__, static_folder=None)
    app.extensions["house"] = house
    app.register_blueprint(status_door(house.database, house.keys))
    by_itself = click.get_current_context(silent=True) is None
    answers = open_metrics(app, house, settings) if by_itself else None
    if house.console.password_hash:
        from handlers.console.door import open_console  # noqa: PLC0415 - what only the console needs is not carried without

        open_console(app, house)
    inside = on_threads(app.wsgi_app)
    if settings.status_api_token:
        inside = status_api(settings.status_api_token, house, answers).before(inside)
    app.extensions["webhooks"] = door = webhook_door(house, answers)
    app.wsgi_app = door.before(inside)  # type: ignore[method-assign,assignment]
    add_commands(app, lambda: house, doctors_more(settings))
    if by_itself:
        _stop_without_the_keys(house)
        structlog.get_logger().info(
            "started", worker="web", shop=house.shop, lanes=[lane for lane in LANES if lane not in house.lanes_off]
        )
    return app


def add_commands(app: Flask, house: Callable[[], House], checks: Mapping[str, Check]) -> None:
    """Every command; ``house`` is asked only when one of them runs."""
    for commands in (cli, cli_privacy, cli_alerts, cli_deliveries, cli_mail):
        commands.register(app.cli, house)
    cli_doctor.register(app.cli, house, checks)
    cli_console.register(app.cli)
    sandbox_commands.register(app.cli)


def build(settings: Settings, now: Callable[[], datetime]) -> House:
    """Every part, from the settings."""
    seal = Seal([key.get_secret_value() for key in settings.data_keys])
    database = Database(settings.database_url, busy_s=1.8, seal=seal)
    members, tallies = Members(database), Tallies(database)
    rollups, alerts = Rollups(database), Alerts(database)
    welcome = Welcome() if settings.enable_welcome_email else None
    return House(
        shop=settings.shopify_shop,
        secrets=labelled([secret.get_secret_value() for secret in settings.shopify_webhook_secrets]),
        database=database,
        inbox=Inbox(database, destinations=DESTINATIONS, reads=READS, welcome=welcome),
        book=Book(database, destinations=DESTINATIONS, reads=READS, welcome=welcome, apart={*settings.lanes_off, MAIL}),
        members=members,
        report=Report(database, updates_too=settings.enable_update_sync),
        rollups=rollups,
        census=Census(database),
        resync=Resync(database),
        search=Search(database, lanes=DESTINATIONS),
        search_index=SearchIndex(database, reads=READS),
        browse=Browse(database, lanes=LANES),
        unseen=Unseen(database, now),
        mails=Mails(database),
        waiting=Waiting(database),
        deliveries=Deliveries(database),
        unreadable=Unreadable(database),
        pruning=Pruning(database, bodies=_days(settings.keep_bodies_days), attempts=_days(settings.keep_attempts_days)),
        erasing=Erasing(database),
        alerts=alerts,
        watchman=Watchman(
            alerts,
            database,
            alert_rules(settings),
            Audience(split_addresses(_plain(settings.admin_notify_urls) or ""), settings.public_url),
            updates_too=settings.enable_update_sync,
            usual_gap=rollups.expected_gap,
            now=now,
        ),
        audit=Audit(database),
        console=console_setup(settings),
        keys=KeyCheck(database),
        tallies=tallies,
        tally=Tally(tallies, now=now),
        lanes=cache(lambda: build_lanes(settings, database, members, now)),
        letters=lambda: build_letters(settings),
        lanes_off=settings.lanes_off,
        updates_too=settings.enable_update_sync,
        now=now,
    )


def alert_rules(settings: Settings) -> Rules:
    """What is looked after: the lanes that are on."""
    on = [lane for lane in (*LANES, MAIL) if lane not in settings.lanes_off]
    return Rules(
        lanes=[lane for lane in dict.fromkeys(on) if lane != MAIL],
        after_failures=settings.alert_after_failures,
        mail=MAIL if MAIL in on else None,
    )


def console_setup(settings: Settings) -> ConsoleSetup:
    """What the console is handed: without a password's hash there is none."""
    if settings.console_password_hash is None:
        return ConsoleSetup(public_url=settings.public_url, portal_id=settings.hubspot_portal_id)
    return whole_setup(settings)


def whole_setup(settings: Settings) -> ConsoleSetup:
    """What is set, from where: for the console's page and for `flask doctor`."""
    env_file = read_env_file()
    shown = {s.name: s for s in listing(settings, os.environ, env_file)}
    return ConsoleSetup(
        password_hash=_plain(settings.console_password_hash),
        view_password_hash=_plain(settings.console_view_password_hash),
        secret_key=_plain(settings.secret_key),
        public_url=settings.public_url,
        portal_id=settings.hubspot_portal_id,
        settings=[
            Set(s.name, group, s.value, s.is_secret, s.is_set, s.source, meaning)
            for name, group, meaning in meanings()
            for s in [shown[name]]
        ],
        unknown=unknown(env_file),
    )


def doctors_more(settings: Settings) -> Mapping[str, Check]:
    """What `flask doctor` is told of the settings; looked at only when it runs."""
    return {
        "settings": lambda: doctor_settings.settings(
            whole_setup(settings), web_processes=settings.web_processes, on_postgresql=settings.on_postgresql
        ),
        "doors": lambda: doctor_settings.doors(whole_setup(settings)),
        "alerts": lambda: doctor_settings.alert_addresses(_plain(settings.admin_notify_urls)),
    }


def open_metrics(app: Flask, house: House, settings: Settings) -> Answers:
    """Prometheus's door; what comes back counts the answers of the others.

    Imported here: no command needs it, and the worker need not carry it.
    """
    from handlers.answers import Answers  # noqa: PLC0415
    from handlers.metrics import LedgerNumbers, Sources, metrics_door  # noqa: PLC0415

    answers = Answers(os.environ.get("PROMETHEUS_MULTIPROC_DIR"))  # set by config/gunicorn.py
    sources = Sources(
        lanes=lambda: house.report.lanes(LANES),
        freshness=house.members.freshness,
        last_delivery=house.report.last_delivery,
        ahead=Paces(house.database).ahead,
        counts=house.rollups.counts,
        latency=house.rollups.latency,
        alerts=house.alerts.open_ones,
        unreadable=lambda: house.unreadable.left().count,
        lanes_off=house.lanes_off,
        now=house.now,
    )
    app.register_blueprint(metrics_door(answers, LedgerNumbers(sources), _plain(settings.metrics_token)))
    return answers


def webhook_door(house: House, answers: Answers | None = None) -> Door:
    """The door Shopify knocks on."""
    reading_is_on = READS not in house.lanes_off

    def record(group: Sequence[Arrival]) -> Sequence[Recorded]:
        house.keys.once()  # if the store could not be asked at the start
        return house.inbox.record(group, now=house.now(), reading_is_on=reading_is_on)

    door = Door(
        shop=house.shop,
        secrets=house.secrets,
        record=record,
        tally=house.tally,
        now=house.now,
        lanes_off={lane: why for lane, why in house.lanes_off.items() if lane in SYNCED},
        updates_too=house.updates_too,
        one_write=one_write,
    )
    return replace(door, answered=answers.webhook, grouped=answers.group) if answers else door


def status_api(token: SecretStr, house: House, answers: Answers | None = None) -> StatusApi:
    """The door the merchant's site knocks on."""
    look = Standings(house.database).of
    if answers is None:
        return StatusApi(token.get_secret_value(), Lookout(look))
    return StatusApi(token.get_secret_value(), Lookout(look, tell=answers.waiters), answers.status)


def build_lanes(settings: Settings, database: Database, members: Members, now: Callable[[], datetime]) -> list[Lane]:
    """The far sides whose credentials are set, in the order in which a customer meets them.

    Imported here: the dictionaries of the mappings are the worker's to carry, not the web door's.
    """
    from clients.hubspot.lane import HubSpotLane  # noqa: PLC0415
    from clients.mail.lane import MailLane  # noqa: PLC0415
    from clients.shopify.lane import ShopifyLane  # noqa: PLC0415
    from clients.smaregi.lane import SmaregiLane  # noqa: PLC0415

    vault, paces = TokenVault(database, Token), Paces(database)
    lanes: list[Lane] = []
    if settings.shopify_access_token or settings.shopify_client_id:
        lanes.append(
            ShopifyLane(
                shop=settings.shopify_shop,
                api_url=settings.shopify_api_url or f"https://{settings.shopify_shop}",
                api_version=settings.shopify_api_version,
                access_token=_plain(settings.shopify_access_token),
                client_id=settings.shopify_client_id,
                client_secret=_plain(settings.shopify_client_secret),
                metafields=read_metafields_setting(settings.shopify_metafields),
                vault=vault,
                pace_store=paces,
                webhook_address=f"{settings.public_url}/webhooks/shopify" if settings.public_url else None,
                notes=Unseen(database, now),
                known_here=Browse(database, lanes=LANES).newest,
                now=now,
            )
        )
    if settings.smaregi_contract_id and settings.smaregi_client_id and settings.smaregi_client_secret:
        reads, writes = settings.smaregi_rates
        lanes.append(
            SmaregiLane(
                api_url=settings.smaregi_api_url,
                auth_url=settings.smaregi_auth_url,
                contract_id=settings.smaregi_contract_id,
                client_id=settings.smaregi_client_id,
                client_secret=settings.smaregi_client_secret.get_secret_value(),
                index=members,
                flags=MailFlags(database),
                vault=vault,
                pace_store=paces,
                reads_per_second=reads,
                writes_per_second=writes,
                matched_member=settings.smaregi_matched_member,
                placeholder=settings.missing_name,
                now=now,
            )
        )
    if settings.hubspot_access_token:
        lanes.append(
            HubSpotLane(
                access_token=settings.hubspot_access_token.get_secret_value(),
                api_url=settings.hubspot_api_url,
                pace_store=paces,
                portal_id=settings.hubspot_portal_id,
                now=now,
            )
        )
    if settings.smtp_url and settings.mail_from:
        lanes.append(
            MailLane(
                smtp_url=settings.smtp_url.get_secret_value(),
                mail_from=settings.mail_from,
                templates=_path(settings.mail_templates),
                shop=settings.shopify_shop,
                book=Mails(database),
                patience=Welcome().patience,
                now=now,
            )
        )
    return lanes


def build_letters(settings: Settings) -> Letters:
    """The templates of the welcome mail: ours, and the merchant's before them."""
    from clients.mail.lane import letters_of  # noqa: PLC0415

    return letters_of(_path(settings.mail_templates), mail_from=settings.mail_from, shop=settings.shopify_shop)


def _days(days: int | None) -> timedelta | None:
    return None if days is None else timedelta(days=days)


def _path(folder: str | None) -> Path | None:
    return Path(folder) if folder else None


def _stop_without_the_keys(house: House) -> None:
    """A ledger whose rows cannot be opened stops the start; one that cannot be asked now is asked before it is used."""
    try:
        house.keys.once()
    except WrongKey as e:
        house.close()
        sys.exit(str(e))
    except StoreBusy:
        pass


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _app_without_settings(why: str) -> Flask:
    """An app that can only be asked for commands; those that need the settings say what is wrong with them."""
    app = Flask(__name__, static_folder=None)

    def no_house() -> NoReturn:
        raise Said(why)

    add_commands(app, no_house, {})
    return app
