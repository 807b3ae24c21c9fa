"""Queries whose text is made once, for what many pages ask.

To build a query by the ORM and to make its text takes Python longer than it takes PostgreSQL to
answer (ADR 82). A function that builds one is marked with `kept_query`, and its text is kept.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from functools import lru_cache, wraps
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, F, Func, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast
from django.db.models.sql.compiler import SQLCompiler
from psycopg2.extensions import AsIs

MOST_KEPT: Final = 1_000
"""Texts of one function: of a shape with a reader there is one for each of them."""

Text = tuple[str, tuple[Any, ...]]


class ChangedTextError(AssertionError):
    """A query hangs on more than its function was given."""


class Given(Expression):
    """A value of a query that is known when the query is asked. None equals nothing."""

    def __init__(self, name: str, output_field: models.Field[Any, Any] | None = None) -> None:
        super().__init__(output_field)
        self.name = name

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, tuple[Any, ...]]:
        """A place for the value."""
        return "%s", (self,)


class AnyOf(Func):
    """Whether a column is one of the values of a list: `__in`, where the list is `Given`."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = models.BooleanField()

    def __init__(self, column: str | Combinable, values: Expression) -> None:
        super().__init__(F(column) if isinstance(column, str) else column, values)


def hashed(key: str) -> Cast:
    """A key, to be asked of each row if it is `AnyOf` very many, where no index finds the rows.

    The keys are bigints. Of those the database makes a hash for a bigint alone: another number is
    compared with each of them.
    """
    return Cast(key, models.BigIntegerField())


class HasPart(Func):
    """Whether a text has a part, whatever the case: `__icontains`, of a `Given` `part_of`."""

    template = "UPPER(%(expressions)s)"
    arg_joiner = "::text) LIKE UPPER("
    output_field = models.BooleanField()

    def __init__(self, column: str, part: Given) -> None:
        super().__init__(F(column), part)


def array_of(keys: Collection[int]) -> AsIs:
    """Keys as the text of an array: psycopg2 takes three times as long to write a list of them."""
    return AsIs(f"'{{{','.join(map(str, keys))}}}'::bigint[]")


def part_of(text: str) -> str:
    """What `HasPart` is given to look for a text."""
    return f"%{connections[DEFAULT_DB_ALIAS].ops.prep_for_like_query(text)}%"


def among(column: str, values: Collection[Any] | Given) -> Q:
    """Ask for rows whose column has one of these values."""
    return Q(AnyOf(column, values)) if isinstance(values, Given) else Q((f"{column}__in", values))


def numbered(name: str, given: Sequence[tuple[Any, Any]]) -> dict[str, Any]:
    """Pairs of values, each value by a name of its own: those of `pairs`."""
    return {f"{name}_{at}_{end}": pair[end] for at, pair in enumerate(given) for end in (0, 1)}


def pairs(values: Mapping[str, Given], name: str, n: int) -> list[tuple[Given, Given]]:
    """Find the `n` pairs that `numbered` named."""
    return [(values[f"{name}_{at}_0"], values[f"{name}_{at}_1"]) for at in range(n)]


def kept_query(build: Callable[..., QuerySet[Any, Any]]) -> Callable[..., list[Any]]:
    """Make of a function that builds a query one that asks it and returns its rows.

    What is given by place decides on the query's shape: for each such choice the text is made once,
    so it is hashable. What is given by name are values: the function gets a `Given` of each. It may
    hang on nothing else, no clock and no setting: the tests make each text anew and compare.
    """

    @lru_cache(maxsize=MOST_KEPT)
    def kept(shape: tuple[Any, ...], names: tuple[str, ...]) -> _Kept:
        return _Kept(build(*shape, **{name: Given(name) for name in names}))

    @wraps(build)
    def ask(*shape: Any, **values: Any) -> list[Any]:
        query = kept(shape, tuple(values))
        if is_checked and query.was_asked and query not in compared:
            compared.add(query)
            query.compare(build(*shape, **{name: Given(name) for name in values}), values)
        return query.ask(values)

    return ask


is_checked = False
compared: set["_Kept"] = set()
"""Those whose text was made anew since a module of tests began, and compared."""


class _Kept:
    """A query with its text. An empty text is that of a query that no row can fit."""

    was_asked = False

    def __init__(self, rows: QuerySet[Any, Any]) -> None:
        self._rows = rows
        self._compiler = rows.query.get_compiler(DEFAULT_DB_ALIAS)
        self._text = _text_by(self._compiler)

    def ask(self, values: Mapping[str, Any]) -> list[Any]:
        """Ask the database with these values."""
        self.was_asked = True
        if not self._text[0]:
            return []
        rows = self._rows.all()
        # Of this copy alone: each request asks by its own connection.
        rows.query.get_compiler = lambda *_, **__: self._compiler_with(values)  # type: ignore[method-assign]
        return list(rows)

    def _compiler_with(self, values: Mapping[str, Any]) -> SQLCompiler:
        compiler: SQLCompiler = copy(self._compiler)
        compiler.connection = connections[DEFAULT_DB_ALIAS]
        text = _filled(self._text, values)
        compiler.as_sql = lambda *_, **__: text  # type: ignore[method-assign]
        return compiler

    def compare(self, rows: QuerySet[Any, Any], values: Mapping[str, Any]) -> None:
        """Raise `ChangedTextError` if the same query has another text now."""
        now = _text_by(rows.query.get_compiler(DEFAULT_DB_ALIAS))
        if _plain(_filled(now, values)) != _plain(_filled(self._text, values)):
            message = f"kept: {self._text}, now: {now}"
            raise ChangedTextError(message)


def _text_by(compiler: SQLCompiler) -> Text:
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return "", ()
    return sql, tuple(params)


def _plain(text: Text) -> Text:
    """A text whose values can be compared: what is sent as JSON is wrapped."""
    sql, params = text
    return sql, tuple(getattr(each, "adapted", each) for each in params)


def _filled(text: Text, values: Mapping[str, Any]) -> Text:
    sql, params = text
    given = {name: _written(value) for name, value in values.items()}
    return sql, tuple(given[each.name] if isinstance(each, Given) else each for each in params)


def _written(value: Any) -> Any:
    """A list of keys as the text of an array."""
    is_keys = isinstance(value, list) and set(map(type, value)) == {int}
    return array_of(value) if is_keys else value
