"""What is checked before a GraphQL document runs, with the refusals that Shopify's own server gives: pure."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.graphql import (
    Document,
    Enum,
    Field,
    Inline,
    Operation,
    Place,
    Selection,
    Variable,
)
from sandbox.shopify_schema import TYPES, FieldDef, customer_id
from sandbox.shopify_search import LONGEST_PAGE, SORT_KEYS

LARGEST_ARRAY: Final = 250
_ENUMS: Final = {"CustomerSortKeys": SORT_KEYS}

Said = dict[str, Any]


class GraphQLRefused(Exception):
    """The document is not run; `errors` is what the answer says instead of data."""

    def __init__(self, errors: list[Said]) -> None:
        super().__init__(", ".join(str(one.get("extensions", {}).get("code", "syntax")) for one in errors))
        self.errors = errors


def said(message: str, place: Place | None, path: list[Any] | None = None, **extensions: Any) -> Said:
    """One entry of `errors`."""
    told: Said = {"message": message}
    if place is not None:
        told["locations"] = [{"line": place.line, "column": place.column}]
    if path is not None:
        told["path"] = path
    if extensions:
        told["extensions"] = extensions
    return told


def chosen(document: Document, name: str | None) -> Operation:
    """The operation that is meant. Raises `GraphQLRefused`."""
    if name:
        found = next((one for one in document.operations if one.name == name), None)
        if found is None:
            raise GraphQLRefused([said(f'No operation named "{name}"', None)])
        return found
    if len(document.operations) > 1:
        raise GraphQLRefused([said("An operation name is required", None)])
    return document.operations[0]


def coerced_variables(operation: Operation, given: Mapping[str, Any]) -> dict[str, Any]:
    """The variables as their declared types, defaults filled in. Raises `GraphQLRefused`."""
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
                    said(
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


def filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """The value with variables put in."""
    match value:
        case Variable(name):
            return variables.get(name)
        case list():
            return [filled(one, variables) for one in value]
        case dict():
            return {name: filled(one, variables) for name, one in value.items()}
        case _:
            return value


def coerced_arguments(asked: Field, defined: FieldDef, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a field with variables put in; raises ValueError with Shopify's explanation."""
    told = {
        name: _coerced(filled(value, variables), defined.arguments[name])
        for name, value in asked.arguments.items()
        if not (isinstance(value, Variable) and value.name not in variables)
    }
    return {name: value for name, value in told.items() if value is not None}


def root_of(operation: Operation) -> str:
    """The type whose fields stand at the top."""
    return "QueryRoot" if operation.kind == "query" else "Mutation"


class Check:
    """The rules of validation that a client can break by mistake, in the words of Shopify's server."""

    def __init__(self, document: Document, operation: Operation, variables: Mapping[str, Any]) -> None:
        self._document = document
        self._operation = operation
        self._variables = variables
        self._named = f"{operation.kind} {operation.name}" if operation.name else operation.kind
        self._used: set[str] = set()
        self._errors: list[Said] = []

    def errors(self) -> list[Said]:
        """All that is wrong; empty when the document may run."""
        self._selections(self._operation.selections, root_of(self._operation), [self._named], ())
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
            told = coerced_arguments(asked, defined, self._variables)
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
        self._errors.append(said(message, place, path, code=code, **more))
