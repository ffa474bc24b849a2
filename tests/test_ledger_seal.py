"""Personal data at rest: shut with the first key, opened with any, and never mistaken for something else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Text, select, type_coerce

from clients.token import Token
from customer import Member
from ledger import tables as t
from ledger.database import Database
from ledger.keeps import TokenVault
from ledger.members import Members
from ledger.seal import NO_SEAL, Seal, WrongKey, new_key
from tests.conftest import NOON, Clock
from tests.ledger_cases import Ledger, delivery_of, done, failed, person

OLD, NEW = new_key(), new_key()
SEALS = [NO_SEAL, Seal([OLD]), Seal([NEW, OLD])]


@given(st.text())
@pytest.mark.parametrize("seal", SEALS, ids=["no key", "one key", "two keys"])
def test_what_is_shut_opens_to_the_same(seal: Seal, text: str) -> None:
    for told in (text, f"sealed:{text}", f"plain:{text}", f"plain:sealed:{text}"):
        assert seal.open_text(seal.shut_text(told)) == told
        data = told.encode("utf-8", "surrogatepass")
        assert seal.open_bytes(seal.shut_bytes(data)) == data


def test_what_is_shut_shows_nothing_of_what_it_was() -> None:
    seal = Seal([NEW])
    assert "hanako" not in seal.shut_text("hanako@example.jp")
    assert b"hanako" not in seal.shut_bytes(b"hanako@example.jp")
    assert "hanako" not in seal.hashed("hanako@example.jp")
    assert seal.shut_text("a") != seal.shut_text("a")


def test_any_of_the_keys_opens_and_the_first_one_shuts() -> None:
    old, both = Seal([OLD]), Seal([NEW, OLD])
    assert both.open_text(old.shut_text("見本")) == "見本"
    assert both.shut_text("見本").startswith(both.text_mark)
    assert both.text_mark == Seal([NEW]).text_mark


def test_plain_rows_from_before_the_keys_are_read_with_keys() -> None:
    kept = [NO_SEAL.shut_text(text) for text in ('{"id":1}', "sealed:no", "")]
    assert [Seal([NEW]).open_text(each) for each in kept] == ['{"id":1}', "sealed:no", ""]


@pytest.mark.parametrize("seal", [NO_SEAL, Seal([NEW])], ids=["no key", "another key"])
def test_a_missing_key_is_named_by_its_id_and_with_the_mend(seal: Seal) -> None:
    old = Seal([OLD])
    for go in (lambda: seal.open_text(old.shut_text("a")), lambda: seal.open_bytes(old.shut_bytes(b"a"))):
        with pytest.raises(WrongKey, match=rf"{old.key_ids[0]}.*DATA_KEYS") as e:
            go()
        assert OLD not in str(e.value)


def test_a_damaged_row_is_told_as_such() -> None:
    seal = Seal([OLD])
    with pytest.raises(WrongKey, match="damaged"):
        seal.open_text(seal.shut_text("abc")[:-6] + "AAAAA=")
    with pytest.raises(WrongKey, match="damaged"):
        seal.open_bytes(seal.shut_bytes(b"abc")[:-6])


@pytest.mark.parametrize("wrong", ["", "short", "A" * 48, "ä" * 44])
def test_a_key_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError):
        Seal([wrong])


def test_an_e_mail_has_one_hash_a_key_and_the_newest_comes_first() -> None:
    both, new = Seal([NEW, OLD]), Seal([NEW])
    assert both.hashes("a@example.jp") == [
        *new.hashes("a@example.jp")[:1],
        Seal([OLD]).hashed("a@example.jp"),
        "a@example.jp",
    ]
    assert new.hashed("a@example.jp") != new.hashed("b@example.jp")
    assert NO_SEAL.hashes("a@example.jp") == ["a@example.jp"]


@pytest.fixture
def sealed(database_url: str) -> Iterator[Database]:
    made = Database(database_url, busy_s=5, seal=Seal([NEW, OLD]))
    yield made
    made.close()


def test_the_whole_ledger_works_with_keys_and_shows_no_person(sealed: Database, clock: Clock) -> None:
    ledger = Ledger(sealed)
    ledger.hear(delivery_of(person(7, last_name="見本山"), body="{見本山}".encode()), now=clock())
    ledger.carry(done("m-7", last_name="0123abcd"), now=clock())
    ledger.carry(failed(), "hubspot", now=clock())
    assert ledger.known(7).customer.last_name == "見本山"
    assert ledger.task(7)["sent"] == {"last_name": "0123abcd"}
    assert ledger.task(7, "hubspot")["choices"] == [{"member": "7"}, {"member": "8"}]
    assert ledger.rows(t.deliveries)[0]["body"] == "{見本山}".encode()
    raw = repr(everything(sealed))
    for word in ("見本山", "hanako7", "0123abcd", "two members", '"member"'):
        assert word not in raw


def everything(database: Database) -> list[object]:
    """Every value of every row, as the database has it."""
    with database.reading() as c:
        return [[*map(tuple, c.exec_driver_sql(f"SELECT * FROM {name}"))] for name in t.metadata.tables]


def test_members_are_found_by_mail_whichever_key_was_the_first_when_they_came(database_url: str) -> None:
    chain = [NO_SEAL, Seal([OLD]), Seal([NEW, OLD])]
    databases = [Database(database_url, busy_s=5, seal=seal) for seal in chain]
    for i, database in enumerate(databases):
        Members(database).put([Member(f"{i}", f"c{i}", None, ("a@example.jp",), "0")], NOON)
        assert len(Members(database).by_mail("a@example.jp")) == i + 1
        database.close()


def test_an_e_mail_is_held_once_although_the_processes_have_another_newest_key(database_url: str, clock: Clock) -> None:
    until = clock() + timedelta(minutes=1)
    keys = [[OLD], [OLD, NEW], [NEW, OLD], [NEW]]
    databases = [Database(database_url, busy_s=5, seal=Seal(each)) for each in keys]
    for before, after in pairwise(databases):
        assert Members(before).hold_mail("a@example.jp", 1, clock(), until)
        assert not Members(after).hold_mail("a@example.jp", 2, clock(), until)
        Members(before).release_mail("a@example.jp", 1)
        assert Members(after).hold_mail("a@example.jp", 2, clock(), until)
        Members(after).release_mail("a@example.jp", 2)
        assert not Ledger(before).rows(t.mail_holds)
    for database in databases:
        database.close()


def test_a_token_is_shut_and_dropped_only_while_it_is_the_one(sealed: Database) -> None:
    vault = TokenVault(sealed, Token)
    vault.write("smaregi", Token("an-invented-token", NOON, NOON))
    with sealed.reading() as c:
        assert "invented" not in str(c.execute(select(type_coerce(t.tokens.c.value, Text))).scalar())
    vault.drop("smaregi", "another")
    assert (kept := vault.read("smaregi"))
    assert kept.value == "an-invented-token"
    vault.drop("smaregi", "an-invented-token")
    assert vault.read("smaregi") is None
