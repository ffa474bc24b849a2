"""The commands about personal data, as a person types them; and a start with the wrong keys."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from handlers.janitor import Janitor
from ledger import tables as t
from ledger.database import Database
from ledger.prune import Pruned
from ledger.seal import new_key
from tests.building import body_of, house_of, make_app, post
from tests.ledger_cases import Ledger

MakeApp = Callable[..., Flask]


@pytest.fixture
def make(database_url: str) -> Iterator[MakeApp]:
    """Apps over the same database."""
    made: list[Flask] = []

    def one(**settings: Any) -> Flask:
        made.append(make_app(database_url, **settings))
        return made[-1]

    yield one
    for app in made:
        house_of(app).close()


def run(app: Flask, *arguments: str, typed: str | None = None) -> Result:
    return app.test_cli_runner().invoke(args=list(arguments), env={"COLUMNS": "200"}, input=typed)


def days_ago(days: int) -> Callable[[], datetime]:
    at = datetime.now(UTC) - timedelta(days=days)
    return lambda: at


def bodies(app: Flask) -> list[bytes]:
    return sorted(row["body"] for row in Ledger(house_of(app).database).rows(t.deliveries))


def test_prune_empties_what_is_older_than_the_settings_say_and_a_dry_run_only_counts(make: MakeApp) -> None:
    post(make(now=days_ago(31)).test_client(), body_of(1))
    app = make()
    post(app.test_client(), body_of(2))
    assert "1 bodies would be emptied, 0 attempts deleted; nothing was changed" in run(app, "prune", "--dry-run").output
    assert b"" not in bodies(app)
    assert "1 bodies emptied, 0 attempts deleted" in run(app, "prune").output
    assert bodies(app) == [b"", body_of(2)]
    forever = make(keep_bodies_days="forever")
    assert "0 bodies would" in run(forever, "prune", "--dry-run").output


def test_prune_takes_what_nobody_could_read_only_when_told(make: MakeApp) -> None:
    post(make(now=days_ago(31)).test_client(), b"<xml/>")
    app = make()
    assert "0 bodies emptied" in run(app, "prune").output
    assert "unreadable deliveries kept: 1" in run(app, "status").output
    assert "1 bodies would" in run(app, "prune", "--unreadable", "--dry-run").output
    assert "1 bodies emptied" in run(app, "prune", "--unreadable").output
    assert "unreadable" not in run(app, "status").output


def test_erase_asks_for_the_id_and_tells_what_is_left_to_do(make: MakeApp) -> None:
    app = make()
    post(app.test_client(), body_of(77))
    refused = run(app, "erase", "77", typed="78\n")
    assert refused.exit_code == 1
    assert bodies(app) == [body_of(77)]
    told = run(app, "erase", "77", "--by", "mihon", "--why", "ticket 12", typed="77\n")
    assert told.exit_code == 0
    for words in ("bodies emptied: 1", "Shopify: customer 77", "smaregi", "hubspot", "backups"):
        assert words in told.output
    assert bodies(app) == [b""]
    shown = run(app, "show", "77").output
    assert "s ago by mihon: ticket 12" in shown
    again = run(app, "erase", "77", "--yes")
    assert again.exit_code == 0
    assert "by mihon already" in again.output
    assert "let in again" in run(app, "erase", "77", "--undo").output
    assert run(app, "erase", "77", "--undo").exit_code == 1


def test_erase_names_a_customer_nobody_knows(make: MakeApp) -> None:
    result = run(make(), "erase", "42", "--yes")
    assert result.exit_code == 1
    assert "no customer 42" in result.output


def test_a_new_key_can_be_set_and_rotated_and_the_old_one_dropped(make: MakeApp) -> None:
    plain = make()
    old, new = (run(plain, "keys", "new").output.strip() for _ in range(2))
    assert run(plain, "keys", "rotate").exit_code == 1
    post(plain.test_client(), body_of(1))

    first = make(data_keys=old)
    post(first.test_client(), body_of(2))
    assert "would be shut again" in run(first, "keys", "rotate", "--dry-run").output
    assert "everything is under the key" in run(first, "keys", "rotate").output
    assert "0 rows would" in run(first, "keys", "rotate", "--dry-run").output

    both = make(data_keys=f"{new},{old}")
    assert "may be dropped" in run(both, "keys", "rotate").output
    assert bodies(make(data_keys=new)) == [body_of(1), body_of(2)]


@pytest.mark.parametrize("keys", ["", "another"])
def test_nothing_starts_on_a_ledger_it_could_not_read(make: MakeApp, keys: str) -> None:
    kept = new_key()
    post(make(data_keys=kept).test_client(), body_of(1))
    given = {"data_keys": new_key()} if keys else {}
    with pytest.raises(SystemExit, match="DATA_KEYS") as e:
        make(**given)
    assert kept not in str(e.value)


def test_each_command_says_which_key_is_missing(make: MakeApp, database_url: str) -> None:
    app = make()  # started before anybody had keys
    post(make(data_keys=new_key()).test_client(), body_of(77))
    for arguments in (["show", "77"], ["worker"], ["erase", "77", "--yes"]):
        result = run(app, *arguments)
        assert result.exit_code == 1
        assert "DATA_KEYS" in result.output
        assert "Traceback" not in result.output


def test_the_worker_prunes_and_tidies_by_the_clock(make: MakeApp) -> None:
    post(make(now=days_ago(31)).test_client(), body_of(1))
    app = make()
    post(app.test_client(), body_of(2))
    run(app, "erase", "2", "--yes")
    post(app.test_client(), body_of(2))
    h = house_of(app)
    Janitor(h.pruning, h.erasing, h.now).tidy(lambda _: False)
    assert bodies(app) == [b"", b"", b""]


def test_the_clocks_loop_ends_with_the_worker(make: MakeApp) -> None:
    h = house_of(make())
    stop = threading.Event()
    stop.set()
    Janitor(h.pruning, h.erasing, h.now).loop(stop)
    assert h.pruning.owed(h.now()) == Pruned()


def test_one_more_worker_that_wants_to_prune_goes_again(make: MakeApp, capsys: pytest.CaptureFixture[str]) -> None:
    h = house_of(make())
    first = h.pruning.run(now=h.now, rest=lambda _: None)
    next(first)
    Janitor(h.pruning, h.erasing, h.now).tidy(lambda _: False)
    assert "not pruned" in capsys.readouterr().err
    first.close()


def test_the_store_that_is_gone_at_the_start_is_asked_for_its_keys_later(tmp_path: Any) -> None:
    app = make_app(f"sqlite:///{tmp_path}/later.db", data_keys=new_key())
    assert run(app, "db", "upgrade").exit_code == 0
    other = Database(f"sqlite:///{tmp_path}/later.db")
    with other.writing() as c:
        c.execute(t.cursors.insert().values(name="data_keys", value={"in_use": ["00000000"]}))
    app.testing = False
    assert post(app.test_client(), body_of(1)).status_code >= 500
    assert not Ledger(other).rows(t.deliveries)
    other.close()
    house_of(app).close()
