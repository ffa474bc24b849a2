"""The commands about Smaregi: find a member, look after the member index, and what the contract requires."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

import click
from flask.cli import AppGroup

from clients.hurry import one_try
from customer import Freshness, Member
from handlers.console.texts import marked
from handlers.far_side import far_side
from handlers.house import House
from handlers.telling import age
from handlers.telling_person import table_of_person
from handlers.terminal import GetHouse, Said, clearly, note, out, tell_findings, values_too

_ANSWER_S: Final = 10.0
_MOST: Final = 5
_HOLD: Final = timedelta(seconds=30)
_LOOKS, _LOOK_AGAIN_S = 50, 0.2
_STATUS: Final = {"0": "usable", "1": "suspended", "2": "card lost", "3": "withdrawn", "4": "merged (名寄せ)"}
#: What may stand on a screen that others see.
_OPEN: Final = (
    "customerId",
    "customerCode",
    "customerNo",
    "status",
    "storeId",
    "rank",
    "insDateTime",
    "updDateTime",
    "lastComeDateTime",
    "entryDate",
    "leaveDate",
    "mailReceiveFlag",
)


def register(cli: click.Group, house: GetHouse) -> None:
    """Add the group to ``cli``; ``house`` is asked only when a command runs."""
    group = AppGroup("smaregi", help="The Smaregi side.")
    group.add_command(_find(house))
    group.add_command(_index(house))
    group.add_command(_required(house))
    cli.add_command(group)


def _find(house: GetHouse) -> click.Command:
    @click.command("find")
    @click.argument("member", required=False, metavar="[ID]")
    @click.option("--code", help="By member code (会員コード), as on the card.")
    @click.option("--number", help="By member number (会員番号): the Shopify id of who is linked.")
    @click.option("--mail", help="By e-mail; - reads it from stdin, so that no history keeps it.")
    @click.option("--show-values", is_flag=True, help="The values too, on a terminal only.")
    def find(member: str | None, code: str | None, number: str | None, mail: str | None, show_values: bool) -> None:
        """Look a member up in our index, and then at Smaregi itself; ID is Smaregi's own customerId."""
        values_too(show_values)
        if sum(each is not None for each in (member, code, number, mail)) != 1:
            raise click.UsageError("name a member's ID, or say one of --code, --number, --mail")
        if member is not None and not (member.isascii() and member.isalnum()):
            raise click.UsageError("ID is Smaregi's own customerId, a number")
        h = house()
        if mail == "-":
            mail = sys.stdin.readline()

        def go() -> None:
            lane: Any = far_side(h, "smaregi")
            ids = [member] if member else [found.id for found in _hits(h, code, number, mail)]
            if not ids:
                raise Said(f"nobody in the member index ({_said(h)})")
            if show_values:
                note(h, marked("looked at members in full"), members=ids[:_MOST])
            with one_try(_ANSWER_S):
                for member_id in ids[:_MOST]:
                    _tell(h, lane.api.member(member_id), show_values=show_values)
            if len(ids) > _MOST:
                out.print(f"and {len(ids) - _MOST:,} more: {', '.join(ids[_MOST:])}", highlight=False)

        clearly(go)

    return find


def _hits(h: House, code: str | None, number: str | None, mail: str | None) -> Sequence[Member]:
    from clients.smaregi.rows import mail_key  # noqa: PLC0415 - the web door needs no client

    if code is not None:
        return h.members.by_code(code.strip())
    if number is not None:
        return h.members.by_number(number.strip())
    key = mail_key(mail)
    return h.members.by_mail(key) if key else []


def _tell(h: House, row: Any, *, show_values: bool) -> None:
    member_id, status = str(row["customerId"]), str(row.get("status") or "0")
    linked = h.members.linked_to(member_id)
    whose = f"linked to customer {linked}" if linked else "linked to nobody"
    out.print(f"[bold]member {member_id}[/bold]: {_STATUS.get(status, status)}, {whose}", highlight=False)
    filled = {name: value for name, value in row.items() if value not in (None, "")}
    out.print(table_of_person(filled, _OPEN, show_values=show_values))


def _index(house: GetHouse) -> click.Command:
    @click.command("index")
    @click.option("--rescan", is_flag=True, help="Begin a new full scan: a worker then reads every member anew.")
    def index(rescan: bool) -> None:
        """How much the member index holds, and how fresh it is.

        It is read whole once a day anyway. A new scan is for after members were deleted or imported by the thousand.
        """
        h = house()

        def go() -> None:
            if rescan:
                _rescan(h)
            out.print(f"{h.members.count():,} members; {_said(h)}", highlight=False)

        clearly(go)

    return index


def _rescan(h: House) -> None:
    fresh = h.members.freshness()
    if fresh.scanned_at is None:
        raise Said(
            f"the first full scan is not finished ({_said(h)}): a worker is about it, or flask worker starts one"
        )
    note(h, marked("began a new scan of the members"))
    # Whoever polls at this moment would write their own end over our beginning.
    for _ in range(_LOOKS):
        now = h.now()
        if h.members.may_poll(now, now + _HOLD):
            h.members.polled(partial(replace, scan_page=1, scan_began_at=now))
            out.print("a new full scan has begun; the index stays in use meanwhile")
            return
        time.sleep(_LOOK_AGAIN_S)
    raise Said("another process is reading the members at this moment: try again in half a minute")


def _said(h: House) -> str:
    fresh: Freshness = h.members.freshness()
    now = h.now()
    scanned = "not scanned yet" if fresh.scanned_at is None else f"scanned {age(fresh.scanned_at, now)}"
    under_way = f", a scan is at page {fresh.scan_page}" if fresh.scan_page else ""
    return f"{scanned}, fresh {age(fresh.fresh_at, now)}{under_way}"


def _required(house: GetHouse) -> click.Command:
    @click.command("required")
    def required() -> None:
        """What the contract requires of every member (会員必須項目設定), and whether Shopify can fill it."""
        h = house()

        def go() -> None:
            from clients.smaregi.checking import judge_columns  # noqa: PLC0415 - the web door needs no client

            lane: Any = far_side(h, "smaregi")
            with one_try(_ANSWER_S):
                columns = lane.api.required_columns()
            found = list(judge_columns(columns))
            out.print(f"required: {', '.join(sorted(columns)) or 'none beyond the names'}", highlight=False)
            tell_findings(found)
            if any(finding.state == "wrong" for finding in found):
                raise click.exceptions.Exit(1)

        clearly(go)

    return required
