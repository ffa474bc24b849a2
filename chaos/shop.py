"""Doing what the plan says of the customers, and remembering who is who."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chaos.far_side import FarSide
from chaos.people import Deed


@dataclass
class Shop:
    """The customers of one run: their Shopify ids by number, and what became of them.

    ``resync`` has everything of a customer sent again. ``refuse``: those of the ``members`` whose mail was off before.
    ``pairs`` holds (who left, who came with the same e-mail); ``left`` maps those who left to how the shop had them.
    """

    far_side: FarSide
    resync: Callable[[int], None] = lambda _: None
    ids: dict[int, int] = field(default_factory=dict)
    pairs: list[tuple[int, int]] = field(default_factory=list)
    left: dict[int, dict[str, Any]] = field(default_factory=dict)
    members: list[str] = field(default_factory=list)
    refuse: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def know_members(self, deeds: Sequence[Deed]) -> None:
        """Before it all begins: the store knows some of those who will sign up."""
        cards = [
            {
                "customerCode": f"CARD{deed.number:08}",
                "lastName": "店舗",
                "firstName": "会員",
                "mailAddress": str(deed.fields["email"]).upper(),
                "mailReceiveFlag": "0" if deed.refuses else "1",
            }
            for deed in deeds
            if deed.member
        ]
        self.members = self.far_side.seed_members(cards) if cards else []
        flags = zip(self.members, cards, strict=True)
        self.refuse = [member for member, card in flags if card["mailReceiveFlag"] == "0"]

    def do(self, deed: Deed) -> None:
        """One deed; one of somebody who never signed up, or has left, is passed over."""
        number, customer_id = deed.number, self.ids.get(deed.number)
        if deed.what == "register":
            self.ids[number] = self.far_side.create({**deed.fields, **deed.send})
        elif customer_id is None or customer_id in self.left:
            return
        else:
            self._do_with(deed, customer_id)
        self.done[deed.what] += 1

    def _do_with(self, deed: Deed, customer_id: int) -> None:
        match deed.what:
            case "change":
                self.far_side.change(customer_id, {**deed.fields, **deed.send})
            case "save":
                self.far_side.save(customer_id, deed.send)
            case "resend":
                self.far_side.resend_first(customer_id)
            case "opt_out":
                self.far_side.opt_out_at_the_till(customer_id)
            case "resync":
                self.resync(customer_id)
            case _:
                self._come_back(deed, customer_id)

    def _come_back(self, deed: Deed, customer_id: int) -> None:
        before = self.far_side.customer(customer_id)
        self.far_side.delete(customer_id)
        self.left[customer_id] = before
        assert deed.other is not None
        again = self.far_side.create({**deed.fields, "email": before["email"]})
        self.ids[deed.other] = again
        self.pairs.append((customer_id, again))
