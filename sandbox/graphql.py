"""Reading GraphQL: from the text of a document to its operations and fragments. The subset that queries need, complete.

Not here: what the names mean (see `shopify_schema` and `shopify_execute`), subscriptions and schema definitions.
Grammar: https://spec.graphql.org/October2021/
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple


class GraphQLSyntaxError(Exception):
    """The text is no GraphQL; says what stood where."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class Variable(NamedTuple):
    """A `$name` standing where a value could be."""

    name: str


class Enum(NamedTuple):
    """A bare word standing where a value could be."""

    name: str


class Place(NamedTuple):
    """Where in the text, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Directive:
    """`@include(if: …)` or `@skip(if: …)`."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field asked for; `selections` None where no braces follow."""

    name: str
    alias: str | None
    arguments: Mapping[str, Any]
    directives: tuple[Directive, ...]
    selections: tuple["Selection", ...] | None
    place: Place

    @property
    def key(self) -> str:
        """The key under which the answer stands."""
        return self.alias or self.name


@dataclass(frozen=True, slots=True)
class Inline:
    """`... on Type { … }`; `on` None where no type is named."""

    on: str | None
    directives: tuple[Directive, ...]
    selections: tuple["Selection", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Spread:
    """`...Name`."""

    name: str
    directives: tuple[Directive, ...]
    place: Place


Selection = Field | Inline | Spread


@dataclass(frozen=True, slots=True)
class VariableDefinition:
    """`$name: Type = default`; the type as it was written, spaces apart."""

    name: str
    type: str
    default: Any
    has_default: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Operation:
    """A query or mutation; `name` None when it is anonymous."""

    kind: str
    name: str | None
    variables: tuple[VariableDefinition, ...]
    selections: tuple[Selection, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Fragment:
    """`fragment Name on Type { … }`."""

    name: str
    on: str
    selections: tuple[Selection, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Document:
    """All of one request's text."""

    operations: tuple[Operation, ...]
    fragments: Mapping[str, Fragment]


@lru_cache(maxsize=256)
def parse(text: str) -> Document:
    """The document this text writes. Raises `GraphQLSyntaxError`."""
    return _Parser(text).document()


class _Token(NamedTuple):
    kind: str
    text: str
    place: Place


_TOKENS: Final = re.compile(
    r"""
    (?P<skip>(?:[\s,\ufeff]+|\#[^\n\r]*)+)
  | (?P<block>\"\"\"(?:[^"\\]|\\.|\"(?!\"\"))*\"\"\")
  | (?P<string>"(?:[^"\\\n\r]|\\.)*")
  | (?P<float>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+))
  | (?P<int>-?(?:0|[1-9][0-9]*)(?![0-9A-Za-z_]))
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<sign>\.\.\.|[!$&()|:=@\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPED: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    line, line_begins, at = 1, 0, 0
    while at < len(text):
        match = _TOKENS.match(text, at)
        place = Place(line, at - line_begins + 1)
        if match is None:
            raise GraphQLSyntaxError(
                f'Parse error on "{text[at]}" (error) at [{place.line}, {place.column}]', place.line, place.column
            )
        kind, said = str(match.lastgroup), match.group()
        if kind != "skip":
            tokens.append(_Token(kind, said, place))
        breaks = said.count("\n")
        if breaks:
            line += breaks
            line_begins = at + said.rindex("\n") + 1
        at = match.end()
    tokens.append(_Token("end", "", Place(line, at - line_begins + 1)))
    return tokens


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def document(self) -> Document:
        operations: list[Operation] = []
        fragments: dict[str, Fragment] = {}
        while self._now.kind != "end":
            if self._sees("fragment"):
                fragment = self._fragment()
                fragments[fragment.name] = fragment
            else:
                operations.append(self._operation())
        if not operations:
            raise self._unexpected()
        return Document(tuple(operations), fragments)

    # Definitions

    def _operation(self) -> Operation:
        place = self._now.place
        if self._sees("{"):
            return Operation("query", None, (), self._selections(), place)
        if self._now.text not in {"query", "mutation"}:
            raise self._unexpected()
        kind = self._next().text
        name = self._next().text if self._now.kind == "name" else None
        variables: list[VariableDefinition] = []
        if self._takes("("):
            while not self._takes(")"):
                variables.append(self._variable_definition())
        self._directives()
        return Operation(kind, name, tuple(variables), self._selections(), place)

    def _variable_definition(self) -> VariableDefinition:
        place = self._now.place
        self._expect("$")
        name = self._name()
        self._expect(":")
        kind = self._type()
        has_default = self._takes("=")
        default = self._value() if has_default else None
        return VariableDefinition(name, kind, default, has_default, place)

    def _type(self) -> str:
        if self._takes("["):
            inner = self._type()
            self._expect("]")
            named = f"[{inner}]"
        else:
            named = self._name()
        return named + "!" if self._takes("!") else named

    def _fragment(self) -> Fragment:
        place = self._next().place
        name = self._name()
        if self._next().text != "on":
            raise self._unexpected()
        on = self._name()
        self._directives()
        return Fragment(name, on, self._selections(), place)

    # Selections

    def _selections(self) -> tuple[Selection, ...]:
        self._expect("{")
        selections: list[Selection] = []
        while not self._takes("}"):
            selections.append(self._spread() if self._sees("...") else self._field())
        if not selections:
            self._at -= 1
            raise self._unexpected()
        return tuple(selections)

    def _field(self) -> Field:
        place = self._now.place
        name, alias = self._name(), None
        if self._takes(":"):
            alias, name = name, self._name()
        arguments = self._arguments()
        directives = self._directives()
        selections = self._selections() if self._sees("{") else None
        return Field(name, alias, arguments, directives, selections, place)

    def _spread(self) -> Selection:
        place = self._next().place
        if self._now.kind == "name" and self._now.text != "on":
            return Spread(self._name(), self._directives(), place)
        on = None
        if self._now.text == "on":
            self._next()
            on = self._name()
        return Inline(on, self._directives(), self._selections(), place)

    def _directives(self) -> tuple[Directive, ...]:
        directives: list[Directive] = []
        while self._takes("@"):
            directives.append(Directive(self._name(), self._arguments()))
        return tuple(directives)

    def _arguments(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        if self._takes("("):
            while not self._takes(")"):
                name = self._name()
                self._expect(":")
                arguments[name] = self._value()
        return arguments

    # Values

    def _value(self) -> Any:
        if self._takes("$"):
            return Variable(self._name())
        if self._takes("["):
            return self._list()
        if self._takes("{"):
            return self._object()
        if self._now.kind == "sign":
            raise self._unexpected()
        return _plain_value(self._next())

    def _list(self) -> list[Any]:
        values: list[Any] = []
        while not self._takes("]"):
            values.append(self._value())
        return values

    def _object(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not self._takes("}"):
            name = self._name()
            self._expect(":")
            values[name] = self._value()
        return values

    # Steps

    @property
    def _now(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        if token.kind == "end":
            raise self._unexpected()
        self._at += 1
        return token

    def _sees(self, text: str) -> bool:
        return self._now.text == text and self._now.kind in {"sign", "name"}

    def _takes(self, text: str) -> bool:
        if self._sees(text):
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._takes(text):
            raise self._unexpected()

    def _name(self) -> str:
        if self._now.kind != "name":
            raise self._unexpected()
        return self._next().text

    def _unexpected(self) -> GraphQLSyntaxError:
        token = self._now
        line, column = token.place
        if token.kind == "end":
            return GraphQLSyntaxError("Parse error on end of file", line, column)
        return GraphQLSyntaxError(f'Parse error on "{token.text}" ({token.kind}) at [{line}, {column}]', line, column)


def _plain_value(token: _Token) -> Any:
    match token.kind:
        case "int":
            return int(token.text)
        case "float":
            return float(token.text)
        case "string":
            return _unescaped(token.text[1:-1])
        case "block":
            return _dedented(token.text[3:-3])
        case _:
            return {"true": True, "false": False, "null": None}.get(token.text, Enum(token.text))


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda m: chr(int(m[1], 16)) if m[1] else _ESCAPES.get(m[2], m[2]), text)


def _dedented(text: str) -> str:
    lines = text.replace('\\"""', '"""').splitlines()
    depths = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    cut = min(depths, default=0)
    kept = [*lines[:1], *(line[cut:] for line in lines[1:])]
    return "\n".join(kept).strip("\n")
