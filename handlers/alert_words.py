"""An alert in words: for a page in the reader's language, and as the short notice that is sent, in both.

Whoever is on duty reads Japanese, whoever mends the service may not, and an address in ``ADMIN_NOTIFY_URLS`` has no
language of its own: so a notice says everything twice, in Japanese first. No words here name a customer but by id.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from handlers.causes import cause_of
from handlers.console.texts import SERVED
from ledger.alert import Alert, Sighting

Say: TypeAlias = Callable[[str], str]

JST: Final = ZoneInfo("Asia/Tokyo")
_LANES: Final = {"shopify": "Shopify", "smaregi": "Smaregi", "hubspot": "HubSpot", "mail": "Mail"}
_LONGEST_WHY: Final = 300


def _(text: str) -> str:
    """Marks a text for the catalogues; it is translated where it is said."""
    return text


@dataclass(frozen=True, slots=True)
class Words:
    """What it is, in a line; what happened; what to do."""

    title: str
    what: str
    do: str


#: An empty text stands for what the cause itself says.
_TEXTS: Final[Mapping[str, Words]] = {
    "failing": Words(_("%(lane)s failed %(count)s times in a row"), "", ""),
    "open": Words(
        _("%(lane)s has stopped: %(cause)s"),
        _(
            "One try at a time is made until %(lane)s answers. Nothing is lost: everything waits, and goes out by "
            "itself then."
        ),
        "",
    ),
    "paused": Words(
        _("%(lane)s asks us to wait for long: %(cause)s"),
        _(
            "Nothing goes to %(lane)s meanwhile. It is asked again after an hour at most, after a daily limit when the "
            "day is over. Nothing is lost: everything waits."
        ),
        _("If it has been mended, try %(lane)s now: in the failures, or with flask lane try."),
    ),
    "credential": Words(
        "",
        _("Nothing goes to %(lane)s until this is mended. Nothing is lost: everything waits."),
        "",
    ),
    "slow": Words(
        _("Customers take longer than usual to arrive"),
        _("The newest customers took %(took)s from Shopify to all destinations; %(usual)s is usual."),
        _("See in the overview which side takes so long, and whether much waits."),
    ),
    "same_person": Words(_("Customer %(customer)s needs a choice: %(cause)s"), "", ""),
    "same_people": Words(
        _("%(count)s customers need a choice"),
        _("Each of them may be one of several members or contacts, or shares an e-mail address with another customer."),
        _("Open the failures, and choose for each of them who is meant."),
    ),
    "failed": Words(_("%(lane)s, %(count)s waiting for a person: %(cause)s"), "", ""),
    "debt": Words(
        _("%(lane)s is more than 15 minutes behind"),
        _("Somebody has been waiting for %(lane)s since %(since)s."),
        _("See in the overview whether it is being worked off. If nothing moves, see whether the worker is running."),
    ),
    "index": Words(
        _("The member index is more than 5 minutes old"),
        _(
            "What changed at the till since %(since)s is not known here. New customers wait, so that nobody becomes a "
            "second member."
        ),
        _("See whether the worker is running, and in its log for upkeep failed or store busy."),
    ),
    "silence": Words(
        _("No delivery from Shopify for longer than usual"),
        _("The last one came at %(since)s. At this hour more than %(usual)s without one is unusual."),
        _(
            "Check that the webhooks still stand in Shopify and that this service can be reached from outside "
            "(flask doctor)."
        ),
    ),
    "unreadable": Words(
        _("Deliveries that cannot be read: %(count)s"),
        _("They are signed by Shopify and kept whole, but they have a shape that this service does not know."),
        _(
            "Open the deliveries and report the shape. Post them again when this service can read it, or close them "
            "with a reason."
        ),
    ),
    "withheld": Words("", _("These fields stay as they are at the destinations until Shopify shows them."), ""),
    "refused": Words(
        _("Many requests with a wrong signature"),
        _("%(count)s requests were refused within 10 minutes, for their signature was not of our secrets."),
        _(
            "If customers are missing, check SHOPIFY_WEBHOOK_SECRETS: was a secret changed in Shopify? Otherwise a "
            "stranger knocks, and nothing has to be done."
        ),
    ),
}
_OTHER: Final = Words(_("Something is wrong"), "", "")


def words_of(alert: Sighting, say: Say) -> Words:
    """The words for this alert, by ``say`` in its language."""
    kind = "same_people" if alert.kind == "same_person" and alert.customer_id is None else alert.kind
    texts, cause = _TEXTS.get(kind, _OTHER), cause_of(alert.lane or "", alert.cause)
    places = {
        "lane": say(_LANES.get(alert.lane or "", alert.lane or "")),
        "cause": say(cause.title),
        "count": f"{alert.count:,}" + ("+" if alert.facts.get("most") else ""),
        "customer": str(alert.customer_id or ""),
        "since": moment(alert.since),
        "took": duration(timedelta(milliseconds=alert.facts.get("ms", 0)), say),
        "usual": duration(timedelta(**_usual(alert)), say),
    }
    title, what, do = (say(text) % places if text else "" for text in (texts.title, texts.what, texts.do))
    return Words(title or say(cause.title), what or say(cause.what), do or say(cause.do))


def path_of(alert: Sighting) -> str:
    """The console's page that shows most of it."""
    if alert.customer_id is not None:
        return f"/console/customers/{alert.customer_id}"
    pages = {"failed": "failures", "same_person": "failures", "unreadable": "deliveries"}
    return f"/console/{pages.get(alert.kind, 'alerts')}"


def notice(alert: Alert, public_url: str | None) -> tuple[str, str]:
    """Title and text of what is sent: in Japanese, then in English, then the page to look at."""
    parts = [_part(alert, say) for say in (japanese, english)]
    title = " / ".join(title for title, _body in parts)
    link = (public_url or "") + path_of(alert)
    return title, "\n\n".join([*(body for _title, body in parts), link])


def trial_notice(public_url: str | None) -> tuple[str, str]:
    """What ``flask alerts test`` sends."""
    title, body = _("A test notice of customer-sync"), _("Alerts will arrive here. Nothing is wrong.")
    link = f"{public_url or ''}/console/alerts"
    return f"{japanese(title)} / {english(title)}", f"{japanese(body)}\n\n{english(body)}\n\n{link}"


def _part(alert: Alert, say: Say) -> tuple[str, str]:
    words = words_of(alert, say)
    began = say(_("Since %(since)s (Japan time)")) % {"since": moment(alert.since)}
    if alert.news == "over":
        title = say(_("Over: %(title)s")) % {"title": words.title}
        return title, "\n".join([began, say(_("It lasted %(time)s.")) % {"time": duration(alert.lasted, say)}])
    lines = [words.what, words.do]
    if alert.kind in ("open", "paused", "credential", "withheld") and alert.why:
        lines.append(say(_("What was said: %(why)s")) % {"why": alert.why[:_LONGEST_WHY]})
    if alert.customers and alert.customer_id is None:
        more = alert.count > len(alert.customers)
        ids = ", ".join(map(str, alert.customers)) + (" …" if more else "")
        lines.append(say(_("Customers: %(ids)s")) % {"ids": ids})
    return words.title, "\n".join([*lines, began])


def _usual(alert: Sighting) -> dict[str, float]:
    if "usual_s" in alert.facts:
        return {"seconds": alert.facts["usual_s"]}
    return {"milliseconds": alert.facts.get("normal_ms", 0)}


def moment(at: datetime) -> str:
    """As the clocks in Japan show it: ``2026-11-22 12:00``."""
    return at.astimezone(JST).strftime("%Y-%m-%d %H:%M")


def duration(time: timedelta | None, say: Say) -> str:
    """``0.8 s``, ``12 min``, ``3 h 20 min``, ``2 days 4 h``."""
    seconds = max(0.0, (time or timedelta()).total_seconds())
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if not minutes:
        return say(_("%(s)s s")) % {"s": f"{seconds:.1f}" if seconds < 10 else f"{seconds:.0f}"}
    if not hours:
        return say(_("%(min)s min")) % {"min": minutes}
    if not days:
        return say(_("%(h)s h %(min)s min")) % {"h": hours, "min": minutes % 60}
    return say(_("%(days)s days %(h)s h")) % {"days": days, "h": hours % 24}


def english(text: str) -> str:
    """The text as it stands."""
    return text


def japanese(text: str) -> str:
    """The text in Japanese; in English as long as nobody has said it in Japanese."""
    return _catalogue().gettext(text)


@cache
def _catalogue() -> gettext.NullTranslations:
    """The console's own catalogue: read by the standard library, for a worker carries no Babel."""
    try:
        with SERVED.open("rb") as file:
            return gettext.GNUTranslations(file)
    except OSError:
        return gettext.NullTranslations()
