"""Which keys the rows of a ledger are shut with: kept in a row, so that no process starts that could not read them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select, update

from ledger import tables as t
from ledger.database import Database
from ledger.rows import insert_of
from ledger.seal import WrongKey

_NAME: Final = "data_keys"


class KeyCheck:
    """Compares DATA_KEYS with the rows, before anything is written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = insert_of(database)
        self._fits = False

    def once(self) -> None:
        """As ``check``, until it went well."""
        if not self._fits:
            self.check()
            self._fits = True

    def check(self) -> None:
        """Raises ``WrongKey`` when rows may be there that DATA_KEYS cannot open, and ``StoreBusy``.

        Notes that from now on rows are shut with the first key.
        """
        ids = self._database.seal.key_ids
        with self._database.reading() as c:
            in_use = keys_in_use(c)
        if missing := [key_id for key_id in in_use if key_id not in ids]:
            if not ids:
                raise WrongKey(
                    f"DATA_KEYS is not set, but this ledger holds rows shut with the key {', '.join(missing)}: "
                    "set DATA_KEYS as it was, or name the right DATABASE_URL"
                )
            raise WrongKey(
                f"DATA_KEYS lacks the key {', '.join(missing)} (it has {', '.join(ids)}), and this ledger holds rows "
                "shut with it: add it again, after the others; flask keys rotate makes it unneeded"
            )
        if ids and ids[0] not in in_use:
            with self._database.writing() as c:
                c.execute(self._insert(t.cursors).values(name=_NAME).on_conflict_do_nothing(index_elements=["name"]))
                write_keys_in_use(c, sorted({*keys_in_use(c, lock=self._database.on_postgresql), ids[0]}))


def keys_in_use(c: Connection, *, lock: bool = False) -> list[str]:
    """The ids of the keys that rows may be shut with."""
    query = select(t.cursors.c.value).where(t.cursors.c.name == _NAME)
    return list((c.execute(query.with_for_update() if lock else query).scalar() or {}).get("in_use", ()))


def write_keys_in_use(c: Connection, key_ids: list[str]) -> None:
    """From now on these, and no others."""
    c.execute(update(t.cursors).where(t.cursors.c.name == _NAME).values(value={"in_use": key_ids}))
