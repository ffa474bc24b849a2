"""Answering a GraphQL document over the schema, at the cost that Shopify's own server takes.

In order: parse, choose the operation, coerce variables, validate, cost; and then `run`, once the points are paid.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sandbox.graphql import (
    Directive,
    Document,
    Field,
    Fragment,
    GraphQLSyntaxError,
    Inline,
    Operation,
    Place,
    Selection,
    Spread,
    parse,
)
from sandbox.shopify_check import (
    Check,
    GraphQLRefused,
    Said,
    chosen,
    coerced_arguments,
    coerced_variables,
    filled,
    root_of,
    said,
)
from sandbox.shopify_schema import NEEDS_READ_CUSTOMERS, TYPES, FieldDef, Shop, type_name
from sandbox.shopify_search import BadCursor

LevelTwo = Literal["granted", "denied", "blank"]
"""Names, addresses, phones and e-mails: given; null with ACCESS_DENIED errors; or null without a word."""

Withheld = Literal["denied", "blank"]
"""One field that this app is not approved for: null with an ACCESS_DENIED error at its path, or null without a word."""

LARGEST_COST: Final = 1000
_PROTECTED_PAGE: Final = "https://shopify.dev/docs/apps/launch/protected-customer-data"
_LIMITS_PAGE: Final = "https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits"


@dataclass(frozen=True, slots=True)
class Ready:
    """A valid operation with its variables and its price."""

    document: Document
    operation: Operation
    variables: Mapping[str, Any]
    cost: int

    @property
    def searches(self) -> list[tuple[str, str]]:
        """The `query:` of every search at the top, under the key of its answer."""
        asked = _Walk(self.document, self.variables).fields(self.operation.selections, root_of(self.operation))
        return [
            (one.key, str(filled(one.arguments["query"], self.variables) or ""))
            for one in asked
            if "query" in one.arguments
        ]


@dataclass(slots=True)
class Answer:
    """What came out: `cost` counts the objects that were really there."""

    data: Said
    errors: list[Said] = field(default_factory=list)
    cost: int = 0


def prepare(text: str, variables: Mapping[str, Any], operation_name: str | None) -> Ready:
    """Everything that is checked before a query runs. Raises `GraphQLRefused`."""
    try:
        document = parse(text)
    except GraphQLSyntaxError as error:
        raise GraphQLRefused([said(str(error), Place(error.line, error.column))]) from None
    operation = chosen(document, operation_name)
    values = coerced_variables(operation, variables)
    check = Check(document, operation, values)
    errors = check.errors()
    if errors:
        raise GraphQLRefused(errors)
    cost = _Price(document, values).of(operation.selections, root_of(operation))
    if cost > LARGEST_COST:
        raise GraphQLRefused(
            [
                said(
                    f"Query cost is {cost}, which exceeds the single query max cost limit ({LARGEST_COST}).\n\n"
                    f"See {_LIMITS_PAGE} for more information on how the cost of a query is calculated.",
                    None,
                    code="MAX_COST_EXCEEDED",
                    cost=cost,
                    maxCost=LARGEST_COST,
                    documentation=_LIMITS_PAGE,
                )
            ]
        )
    return Ready(document, operation, values, cost)


def run(ready: Ready, shop: Shop, level_two: LevelTwo, withheld: Mapping[str, Withheld] | None = None) -> Answer:
    """Answer it from the shop as it is now; ``withheld`` names single fields, as ``Customer.firstName``."""
    return _Run(ready, shop, level_two, withheld or {}).answer()


def _is_wanted(directives: tuple[Directive, ...], variables: Mapping[str, Any]) -> bool:
    for directive in directives:
        condition = bool(filled(directive.arguments.get("if"), variables))
        if (directive.name == "skip" and condition) or (directive.name == "include" and not condition):
            return False
    return True


def _applies(on: str | None, declared: str) -> bool:
    return on is None or on == declared or "Node" in {on, declared}


class _Walk:
    """Which fields a selection really asks for, with fragments opened and directives obeyed."""

    def __init__(self, document: Document, variables: Mapping[str, Any]) -> None:
        self._fragments: Mapping[str, Fragment] = document.fragments
        self.variables = variables

    def fields(self, selections: tuple[Selection, ...], on: str) -> Iterator[Field]:
        for one in selections:
            if not _is_wanted(one.directives, self.variables):
                continue
            if isinstance(one, Field):
                yield one
            elif isinstance(one, Inline):
                if _applies(one.on, on):
                    yield from self.fields(one.selections, on)
            elif isinstance(one, Spread):
                fragment = self._fragments[one.name]
                if _applies(fragment.on, on):
                    yield from self.fields(fragment.selections, on)


class _Price:
    """What a query is asked to pay before it runs: scalars 0, objects 1, lists and pages as long as they may get."""

    def __init__(self, document: Document, variables: Mapping[str, Any]) -> None:
        self._walk = _Walk(document, variables)

    def of(self, selections: tuple[Selection, ...], on: str, page: int = 1) -> int:
        total = 0
        for asked in self._walk.fields(selections, on):
            defined = _defined(on, asked.name)
            if defined is None or defined.of not in TYPES or asked.selections is None:
                continue
            told = coerced_arguments(asked, defined, self._walk.variables)
            if defined.is_connection:
                total += 2 + self.of(asked.selections, defined.of, told.get("first", 0))
            elif defined.of == "PageInfo":
                continue
            elif defined.of.endswith("Edge"):
                total += self.of(asked.selections, defined.of, page)
            else:
                times = len(told["ids"]) if "ids" in told else page
                total += times * (1 + self.of(asked.selections, defined.of))
        return total


def _defined(on: str, name: str) -> FieldDef | None:
    if on == "Node":
        return TYPES["Customer"].get(name)
    return TYPES[on].get(name)


class _Bubbling(Exception):
    """A field that may not be null came to nothing: so does the object that it belongs to."""


class _Run:
    def __init__(self, ready: Ready, shop: Shop, level_two: LevelTwo, withheld: Mapping[str, Withheld]) -> None:
        self._ready = ready
        self._shop = shop
        self._level_two = level_two
        self._withheld = withheld
        self._walk = _Walk(ready.document, ready.variables)
        self._answer = Answer({})

    def answer(self) -> Answer:
        self._answer.data = self._object(None, root_of(self._ready.operation), self._ready.operation.selections, [])
        return self._answer

    def _object(self, value: Any, on: str, selections: tuple[Selection, ...], path: list[Any]) -> Said:
        told: Said = {}
        merged: dict[str, Field] = {}
        for asked in self._walk.fields(selections, on):
            known = merged.get(asked.key)
            merged[asked.key] = asked if known is None else _together(known, asked)
        for key, asked in merged.items():
            told[key] = on if asked.name == "__typename" else self._field(value, on, asked, [*path, key])
        return told

    def _field(self, value: Any, on: str, asked: Field, path: list[Any]) -> Any:
        defined = TYPES[on][asked.name]
        if on == "QueryRoot" and asked.name in NEEDS_READ_CUSTOMERS and "read_customers" not in self._shop.scopes:
            return self._denied(
                asked,
                path,
                f"Access denied for {asked.name} field. Required access: `read_customers` access scope.",
                "https://shopify.dev/api/usage/access-scopes",
            )
        way = self._withheld.get(f"{on}.{asked.name}") or (self._level_two if defined.is_protected else "granted")
        if way == "denied":
            self._denied(
                asked,
                path,
                f"This app is not approved to use the {asked.name} field. See {_PROTECTED_PAGE} for more details.",
                _PROTECTED_PAGE,
            )
        if way != "granted":
            # The structure stays where personal data is withheld, however the type is written. Any other field that may
            # not be null takes its customer with it: https://spec.graphql.org/October2021/#sec-Handling-Field-Errors
            if on == "Customer" and defined.type.endswith("!") and not defined.is_protected:
                raise _Bubbling
            return None
        try:
            found = defined.resolve(value, coerced_arguments(asked, defined, self._ready.variables), self._shop)
        except BadCursor:
            self._answer.errors.append(said("Invalid cursor for current pagination sort.", asked.place, path))
            return None
        return self._complete(found, defined, asked, path)

    def _complete(self, found: Any, defined: FieldDef, asked: Field, path: list[Any]) -> Any:
        if found is None or defined.of not in TYPES:
            return found
        assert asked.selections is not None
        if defined.is_list:
            return [self._one(each, defined, asked.selections, [*path, n]) for n, each in enumerate(found)]
        return self._one(found, defined, asked.selections, path)

    def _one(self, found: Any, defined: FieldDef, selections: tuple[Selection, ...], path: list[Any]) -> Said | None:
        if found is None:
            return None
        if defined.is_connection:
            self._answer.cost += 2
        elif defined.of != "PageInfo" and not defined.of.endswith("Edge"):
            self._answer.cost += 1
        try:
            return self._object(found, type_name(found, defined.of), selections, path)
        except _Bubbling:
            return None

    def _denied(self, asked: Field, path: list[Any], message: str, page: str) -> None:
        self._answer.errors.append(said(message, asked.place, path, code="ACCESS_DENIED", documentation=page))


def _together(one: Field, other: Field) -> Field:
    if one.selections is None or other.selections is None:
        return one
    return Field(one.name, one.alias, one.arguments, one.directives, (*one.selections, *other.selections), one.place)
