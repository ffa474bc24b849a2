"""Answering a GraphQL document over the schema, with the refusals and the cost that Shopify's own server gives.

In order: parse, choose the operation, coerce variables, validate, cost; and then `run`, once the points are paid.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sandbox.graphql import (
    Directive,
    Document,
    Enum,
    Field,
    Fragment,
    GraphQLSyntaxError,
    Inline,
    Operation,
    Place,
    Selection,
    Spread,
    Variable,
    parse,
)
from sandbox.shopify_schema import NEEDS_READ_CUSTOMERS, TYPES, FieldDef, Shop, customer_id, type_name
from sandbox.shopify_search import LONGEST_PAGE, SORT_KEYS, BadCursor

LevelTwo = Literal["granted", "denied", "blank"]
"""Names, addresses, phones and e-mails: given; null with ACCESS_DENIED errors; or null without a word."""

LARGEST_COST: Final = 1000
LARGEST_ARRAY: Final = 250
_ENUMS: Final = {"CustomerSortKeys": SORT_KEYS}
_PROTECTED_PAGE: Final = "https://shopify.dev/docs/apps/launch/protected-customer-data"
_LIMITS_PAGE: Final = "https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits"

Said = dict[str, Any]


class GraphQLRefused(Exception):
    """The document is not run; `errors` is what the answer says instead of data."""

    def __init__(self, errors: list[Said]) -> None:
        super().__init__(", ".join(str(one.get("extensions", {}).get("code", "syntax")) for one in errors))
        self.errors = errors


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
        asked = _Walk(self.document, self.variables).fields(self.operation.selections, "QueryRoot")
        return [
            (one.key, str(_filled(one.arguments["query"], self.variables) or ""))
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
        raise GraphQLRefused([_said(str(error), Place(error.line, error.column))]) from None
    operation = _chosen(document, operation_name)
    values = _coerced_variables(operation, variables)
    check = _Check(document, operation, values)
    errors = check.errors()
    if errors:
        raise GraphQLRefused(errors)
    cost = _Price(document, values).of(operation.selections, "QueryRoot")
    if cost > LARGEST_COST:
        raise GraphQLRefused(
            [
                _said(
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


def run(ready: Ready, shop: Shop, level_two: LevelTwo) -> Answer:
    """Answer it from the shop as it is now."""
    return _Run(ready, shop, level_two).answer()


def _said(message: str, place: Place | None, path: list[Any] | None = None, **extensions: Any) -> Said:
    said: Said = {"message": message}
    if place is not None:
        said["locations"] = [{"line": place.line, "column": place.column}]
    if path is not None:
        said["path"] = path
    if extensions:
        said["extensions"] = extensions
    return said


def _chosen(document: Document, name: str | None) -> Operation:
    if name:
        found = next((one for one in document.operations if one.name == name), None)
        if found is None:
            raise GraphQLRefused([_said(f'No operation named "{name}"', None)])
        return found
    if len(document.operations) > 1:
        raise GraphQLRefused([_said("An operation name is required", None)])
    return document.operations[0]


def _coerced_variables(operation: Operation, given: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for defined in operation.variables:
        if defined.name in given:
            value = given[defined.name]
        elif defined.has_default:
            value = defined.default
        elif defined.type.endswith("!"):
            value = None
        else:
            continue
        try:
            values[defined.name] = _coerced(value, defined.type)
        except ValueError as error:
            raise GraphQLRefused(
                [
                    _said(
                        f"Variable ${defined.name} of type {defined.type} was provided invalid value",
                        defined.place,
                        code="INVALID_VARIABLE",
                        problems=[{"path": [], "explanation": str(error)}],
                    )
                ]
            ) from None
    return values


def _coerced(value: Any, kind: str) -> Any:
    """The value as that input type; raises ValueError with Shopify's explanation."""
    if value is None:
        if kind.endswith("!"):
            raise ValueError("Expected value to not be null")
        return None
    kind = kind.removesuffix("!")
    if kind.startswith("["):
        return [_coerced(one, kind[1:-1]) for one in (value if isinstance(value, list) else [value])]
    if isinstance(value, Enum):
        value = value.name
        if kind not in _ENUMS:
            raise ValueError(f"Could not coerce value {value} to {kind}")
    if not _fits(value, kind):
        raise ValueError(f"Could not coerce value {value!r} to {kind}")
    if kind == "ID":
        customer_id(str(value))  # raises ValueError on what is no global id
        return str(value)
    return value


def _fits(value: Any, kind: str) -> bool:
    match kind:
        case "Int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "Boolean":
            return isinstance(value, bool)
        case "String":
            return isinstance(value, str)
        case "ID":
            return isinstance(value, str | int) and not isinstance(value, bool)
        case _:
            return kind not in _ENUMS or value in _ENUMS[kind]


def _filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """The value with variables put in."""
    match value:
        case Variable(name):
            return variables.get(name)
        case list():
            return [_filled(one, variables) for one in value]
        case dict():
            return {name: _filled(one, variables) for name, one in value.items()}
        case _:
            return value


def _arguments(asked: Field, defined: FieldDef, variables: Mapping[str, Any]) -> dict[str, Any]:
    told = {
        name: _coerced(_filled(value, variables), defined.arguments[name])
        for name, value in asked.arguments.items()
        if not (isinstance(value, Variable) and value.name not in variables)
    }
    return {name: value for name, value in told.items() if value is not None}


def _is_wanted(directives: tuple[Directive, ...], variables: Mapping[str, Any]) -> bool:
    for directive in directives:
        condition = bool(_filled(directive.arguments.get("if"), variables))
        if (directive.name == "skip" and condition) or (directive.name == "include" and not condition):
            return False
    return True


def _applies(on: str | None, declared: str) -> bool:
    return on is None or on == declared or "Node" in {on, declared}


class _Check:
    """The rules of validation that a client can break by mistake, in the words of Shopify's server."""

    def __init__(self, document: Document, operation: Operation, variables: Mapping[str, Any]) -> None:
        self._document = document
        self._operation = operation
        self._variables = variables
        self._named = f"{operation.kind} {operation.name}" if operation.name else operation.kind
        self._used: set[str] = set()
        self._errors: list[Said] = []

    def errors(self) -> list[Said]:
        root = "QueryRoot" if self._operation.kind == "query" else "Mutation"
        self._selections(self._operation.selections, root, [self._named], ())
        self._check_variables()
        return self._errors

    def _selections(self, selections: tuple[Selection, ...], on: str, path: list[Any], within: tuple[str, ...]) -> None:
        for one in selections:
            if isinstance(one, Field):
                self._field(one, on, [*path, one.key])
                continue
            self._note_used([directive.arguments for directive in one.directives])
            if isinstance(one, Inline):
                target = one.on or on
                if self._knows(target, one.place, [*path, f"... on {target}"]):
                    self._selections(one.selections, target, [*path, f"... on {target}"], within)
                continue
            fragment = self._document.fragments.get(one.name)
            if fragment is None or one.name in within:
                self._refuse(f"Fragment {one.name} was used, but not defined", one.place, path, "useAndDefineFragment")
            elif self._knows(fragment.on, fragment.place, [f"fragment {one.name}"]):
                self._selections(fragment.selections, fragment.on, [f"fragment {one.name}"], (*within, one.name))

    def _knows(self, kind: str, place: Place, path: list[Any]) -> bool:
        if kind in TYPES:
            return True
        self._refuse(
            f"No such type {kind}, so it can't be a fragment condition", place, path, "undefinedType", typeName=kind
        )
        return False

    def _field(self, asked: Field, on: str, path: list[Any]) -> None:
        self._note_used([asked.arguments, *(directive.arguments for directive in asked.directives)])
        if asked.name == "__typename":
            return
        defined = TYPES.get(on, {}).get(asked.name)
        if defined is None:
            self._refuse(
                f"Field '{asked.name}' doesn't exist on type '{on}'",
                asked.place,
                path,
                "undefinedField",
                typeName=on,
                fieldName=asked.name,
            )
            return
        self._check_arguments(asked, defined, path)
        if defined.of in TYPES and asked.selections is None:
            self._refuse(
                f"Field must have selections (field '{asked.name}' returns {defined.of} but has no selections. "
                f"Did you mean '{asked.name} {{ ... }}'?)",
                asked.place,
                path,
                "selectionMismatch",
                nodeName=f"field '{asked.name}'",
                typeName=defined.of,
            )
        elif defined.of not in TYPES and asked.selections is not None:
            self._refuse(
                f"Selections can't be made on scalars (field '{asked.name}' returns {defined.of} but has selections)",
                asked.place,
                path,
                "selectionMismatch",
                nodeName=f"field '{asked.name}'",
                typeName=defined.of,
            )
        elif asked.selections is not None:
            self._selections(asked.selections, defined.of, path, ())

    def _check_arguments(self, asked: Field, defined: FieldDef, path: list[Any]) -> None:
        for name in asked.arguments:
            if name not in defined.arguments:
                self._refuse(
                    f"Field '{asked.name}' doesn't accept argument '{name}'",
                    asked.place,
                    [*path, name],
                    "argumentNotAccepted",
                    name=asked.name,
                    typeName="Field",
                    argumentName=name,
                )
                return
        missing = [
            name for name, kind in defined.arguments.items() if kind.endswith("!") and name not in asked.arguments
        ]
        if missing:
            self._refuse(
                f"Field '{asked.name}' is missing required arguments: {', '.join(missing)}",
                asked.place,
                path,
                "missingRequiredArguments",
                className="Field",
                name=asked.name,
                arguments=", ".join(missing),
            )
            return
        try:
            told = _arguments(asked, defined, self._variables)
        except ValueError as error:
            self._refuse(str(error), asked.place, path, "argumentLiteralsIncompatible", typeName="CoercionError")
            return
        self._check_sizes(asked, defined, told, path)

    def _check_sizes(self, asked: Field, defined: FieldDef, told: Mapping[str, Any], path: list[Any]) -> None:
        for name, value in told.items():
            if isinstance(value, list) and len(value) > LARGEST_ARRAY:
                self._refuse(
                    f"The input array size of {len(value)} is greater than the maximum allowed of {LARGEST_ARRAY}.",
                    asked.place,
                    [*path, name],
                    "MAX_INPUT_SIZE_EXCEEDED",
                )
        if not defined.is_connection:
            return
        size = told.get("first")
        if size is None:
            self._refuse(f"you must provide one of first or last for '{asked.name}'", asked.place, path, "BAD_REQUEST")
        elif not 0 <= size <= LONGEST_PAGE:
            self._refuse(
                f"`first` of '{asked.name}' must lie between 0 and {LONGEST_PAGE}", asked.place, path, "BAD_REQUEST"
            )

    def _note_used(self, values: Any) -> None:
        match values:
            case Variable(name):
                self._used.add(name)
            case list():
                for one in values:
                    self._note_used(one)
            case dict():
                for one in values.values():
                    self._note_used(one)

    def _check_variables(self) -> None:
        called = self._operation.name or "anonymous query"
        declared = {one.name: one.place for one in self._operation.variables}
        for name in sorted(self._used - declared.keys()):
            self._refuse(
                f"Variable ${name} is used by {called} but not declared",
                self._operation.place,
                [self._named],
                "variableNotDefined",
                variableName=name,
            )
        for name in sorted(declared.keys() - self._used):
            self._refuse(
                f"Variable ${name} is declared by {called} but not used",
                declared[name],
                [self._named],
                "variableNotUsed",
                variableName=name,
            )

    def _refuse(self, message: str, place: Place, path: list[Any], code: str, **more: Any) -> None:
        self._errors.append(_said(message, place, path, code=code, **more))


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
            told = _arguments(asked, defined, self._walk.variables)
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


class _Run:
    def __init__(self, ready: Ready, shop: Shop, level_two: LevelTwo) -> None:
        self._ready = ready
        self._shop = shop
        self._level_two = level_two
        self._walk = _Walk(ready.document, ready.variables)
        self._answer = Answer({})

    def answer(self) -> Answer:
        self._answer.data = self._object(None, "QueryRoot", self._ready.operation.selections, [])
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
        if defined.is_protected and self._level_two != "granted":
            if self._level_two == "blank":
                return None
            return self._denied(
                asked,
                path,
                f"This app is not approved to use the {asked.name} field. See {_PROTECTED_PAGE} for more details.",
                _PROTECTED_PAGE,
            )
        try:
            found = defined.resolve(value, _arguments(asked, defined, self._ready.variables), self._shop)
        except BadCursor:
            self._answer.errors.append(_said("Invalid cursor for current pagination sort.", asked.place, path))
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
        return self._object(found, type_name(found, defined.of), selections, path)

    def _denied(self, asked: Field, path: list[Any], message: str, page: str) -> None:
        self._answer.errors.append(_said(message, asked.place, path, code="ACCESS_DENIED", documentation=page))


def _together(one: Field, other: Field) -> Field:
    if one.selections is None or other.selections is None:
        return one
    return Field(one.name, one.alias, one.arguments, one.directives, (*one.selections, *other.selections), one.place)
