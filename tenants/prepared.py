"""Statements that Django puts into SQL once, and several of them sent to PostgreSQL together.

For what every message needs: to put such a statement into SQL costs Django about a millisecond, more than PostgreSQL
needs to carry it out. `benchmarks/README.md` has the figures. Knows no rows.
"""

from collections.abc import Callable, Sequence
from copy import copy
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import QuerySet, Value
from django.db.models.sql import UpdateQuery
from django.db.transaction import TransactionManagementError

Row = TypeVar("Row")
Found = TypeVar("Found")


class Asked(NamedTuple, Generic[Found]):
    """A statement with its parameters, and how its result is read from the cursor."""

    sql: str
    parameters: Sequence[Any]
    read: Callable[[Any], Found]

    def now(self) -> Found:
        """Its result, by a round trip of its own."""
        found: Found = together(self)[0]
        return found


def together(*asked: Asked[Any]) -> list[Any]:
    """The results of the statements, which PostgreSQL carries out one after another: all of it in one round trip.

    When one fails, those after it are not carried out, and the error is raised. In a transaction that is all the
    same; without one, the statements are a transaction of their own.
    """
    if not asked:
        return []
    with connection.cursor() as cursor:
        cursor.execute(";".join(each.sql for each in asked), [value for each in asked for value in each.parameters])
        results = []
        for each in asked:
            results.append(each.read(cursor))
            cursor.nextset()
        return results


class Given(Value):
    """Stands in a prepared statement for a value that each call gives by this name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [self]

    def _resolve_output_field(self) -> None:
        """Of whatever type it is compared with."""


class AnyGiven(Given):
    """The same for a list of values, of which any will do."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "ANY(%s)", [self]


class AnyOf(Value):
    """Whatever a query of one column finds, in a prepared statement: `filter(tenant=AnyOf(…))`.

    PostgreSQL asks it first and then uses an index for what it found. From `IN (SELECT …)` it makes a join, in an
    order that its statistics tell it, and they may be old: then it has read every conversation for one message.
    """

    def __init__(self, queryset: QuerySet[Any, Any]) -> None:
        super().__init__(queryset)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        sql, parameters = self.value.query.get_compiler(connection=connection).as_sql()
        return f"ANY(ARRAY({sql}))", parameters

    def _resolve_output_field(self) -> None:
        """Of whatever type it is compared with."""


class Prepared(Generic[Row]):
    """A query whose SQL Django makes once, at its first use.

    It is made from what `queryset` returns, in which `Given` stands for what each call gives.
    """

    def __init__(self, queryset: Callable[[], QuerySet[Any, Row]]) -> None:
        self._queryset = queryset

    def __call__(self, **given: Any) -> list[Row]:
        """The rows, by a round trip of its own."""
        return self.asked(**given).now()

    def asked(self, **given: Any) -> Asked[list[Row]]:
        """The same to be sent `together` with others. Raises TransactionManagementError when it locks rows and there is
        no transaction that could hold them."""
        queryset, _compiler, sql, parameters = self._compiled
        if queryset.query.select_for_update and connection.get_autocommit():
            raise TransactionManagementError("select_for_update cannot be used outside of a transaction.")
        return Asked(sql, _bound(parameters, given), self._read)

    @cached_property
    def _compiled(self) -> tuple[QuerySet[Any, Row], Any, str, Sequence[Any]]:
        queryset = self._queryset()
        compiler = queryset.query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        converters = compiler.get_converters([column for column, _sql, _alias in compiler.select])
        compiler.get_converters = lambda _columns: converters
        return queryset, compiler, sql, parameters

    def _read(self, cursor: Any) -> list[Row]:
        """Django's own way from a result to rows, with a compiler that has compiled and asked already."""
        queryset, compiler, _sql, _parameters = self._compiled
        rows = cursor.fetchall()
        reader: Any = queryset.all()
        its_compiler = copy(compiler)
        its_compiler.connection, its_compiler.execute_sql = connections[DEFAULT_DB_ALIAS], lambda *_what, **_how: [rows]
        reader.query.get_compiler = lambda *_which, **_of: its_compiler
        return list(reader._iterable_class(reader))


class PreparedUpdate:
    """An update whose SQL Django makes once, at its first use; it returns to how many rows it was done.

    `changes` are values as in `QuerySet.update`; in them, and in the queryset, `Given` stands for what each call gives.
    """

    def __init__(self, queryset: Callable[[], QuerySet[Any]], **changes: Any) -> None:
        self._queryset, self._changes = queryset, changes

    def __call__(self, **given: Any) -> int:
        """Does it, by a round trip of its own."""
        return self.asked(**given).now()

    def asked(self, **given: Any) -> Asked[int]:
        """The same to be sent `together` with others."""
        sql, parameters = self._compiled
        return Asked(sql, _bound(parameters, given), _count)

    @cached_property
    def _compiled(self) -> tuple[str, Sequence[Any]]:
        query: Any = self._queryset().query.chain(UpdateQuery)
        query.add_update_values(self._changes)
        sql, parameters = query.get_compiler(connection=connection).as_sql()
        return sql, parameters


def _count(cursor: Any) -> int:
    count: int = cursor.rowcount
    return count


def _bound(parameters: Sequence[Any], given: dict[str, Any]) -> list[Any]:
    return [given[value.value] if isinstance(value, Given) else value for value in parameters]
