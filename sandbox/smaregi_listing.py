"""`GET /customers`: the filters that exist, the many that do not and are silently ignored, and bare pages.

`limit` and `page`: https://developers.smaregi.dev/platform-api-reference/common
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sandbox.smaregi_fields import SHOWN, Problem, parse_time, refuse
from sandbox.smaregi_members import Member, Members

LONGEST_WINDOW = timedelta(days=31)
MOST_ROWS = 1000
DEFAULT_ROWS = 100
SORT_KEYS = ("customerId", "customerCode")
"""The keys all sources agree on; `updDateTime` is named by one only, so it is not offered here."""


def list_members(members: Members, query: Mapping[str, str], now: datetime) -> list[dict[str, str | None]]:
    """One page as a bare list, without a total. Raises `Problem` for a filter that exists but is misused.

    A parameter that does not exist (`mail_address`, say) changes nothing: the answer is then an unfiltered page.
    """
    limit = _number(query, "limit", DEFAULT_ROWS, most=MOST_ROWS)
    page = _number(query, "page", 1)
    chosen = fields_asked(query)
    found = members.with_code(query["customer_code"]) if "customer_code" in query else members.all()
    if "customer_no" in query:
        found = [member for member in found if member.fields.get("customerNo") == query["customer_no"]]
    found = _by_id_range(found, query)
    found = _by_time(found, query, now)
    found = _sorted(found, query.get("sort"))
    rows = found[(page - 1) * limit : page * limit]
    return [pick(member, chosen) for member in rows]


def fields_asked(query: Mapping[str, str]) -> tuple[str, ...]:
    """The fields to answer with. Raises `Problem` for a field no member has."""
    if "fields" not in query:
        return SHOWN
    names = tuple(name.strip() for name in query["fields"].split(","))
    for name in names:
        if name not in SHOWN:
            raise refuse("fields", "存在しない項目が指定されています")
    return names


def pick(member: Member, names: tuple[str, ...]) -> dict[str, str | None]:
    """These fields of the member, in this order."""
    shown = member.shown()
    return {name: shown[name] for name in names}


def _number(query: Mapping[str, str], name: str, default: int, most: int | None = None) -> int:
    given = query.get(name)
    if given is None:
        return default
    if not given.isascii() or not given.isdigit() or int(given) < 1 or (most is not None and int(given) > most):
        raise refuse(name, f"1から{most}までの整数で指定してください" if most else "1以上の整数で指定してください")
    return int(given)


def _by_id_range(found: list[Member], query: Mapping[str, str]) -> list[Member]:
    least = _number(query, "customer_id-from", 1)
    most = _number(query, "customer_id-to", 9_999_999_999)
    if (least, most) == (1, 9_999_999_999):
        return found
    return [member for member in found if least <= member.number <= most]


def _by_time(found: list[Member], query: Mapping[str, str], now: datetime) -> list[Member]:
    name_from, name_to = "upd_date_time-from", "upd_date_time-to"
    if name_from not in query and name_to not in query:
        return found
    if name_from not in query:
        raise refuse(name_from, "必須項目です")
    begin = parse_time(name_from, query[name_from])
    end = parse_time(name_to, query[name_to]) if name_to in query else max(now, begin)
    if end < begin or end - begin > LONGEST_WINDOW:
        raise Problem(400, f"[{name_to}] 期間は31日以内で指定してください")
    return [member for member in found if begin <= member.updated <= end]


def _sorted(found: list[Member], sort: str | None) -> list[Member]:
    if sort is None:
        return found
    key, _, direction = sort.partition(":")
    if key not in SORT_KEYS or direction not in {"", "asc", "desc"}:
        raise refuse("sort", "指定できない並び順です")
    backwards = direction == "desc"
    if key == "customerId":
        return sorted(found, key=lambda member: member.number, reverse=backwards)
    return sorted(found, key=lambda member: member.fields["customerCode"] or "", reverse=backwards)
