"""When the database knew what: facts carry the transaction that stored them, a moment tells which.

Two transactions may overlap: what one stored first may be committed last, so that a time alone does
not say what a reader saw. PostgreSQL's own snapshot does
(https://www.postgresql.org/docs/current/functions-info.html, "Transaction ID and Snapshot").
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models import Func
from django.db.models.functions import Now


class XactField(models.Field[str | None, str | None]):
    """The number of a transaction, which PostgreSQL never gives again (`xid8`)."""

    description = "Number of a transaction"

    def db_type(self, connection: object) -> str:
        """Name PostgreSQL's type."""
        return "xid8"


class ThisXact(Func):
    """The number of the transaction that writes the row."""

    function = "pg_current_xact_id"
    template = "%(function)s()"
    output_field = XactField()


class Fact(models.Model):
    """A row that is added and never changed, with when the database knew it.

    Both are None of what was known before moments were kept: it counts as known ever since.
    """

    stored = models.DateTimeField(null=True, db_default=Now(), editable=False)
    xact = XactField(null=True, db_default=ThisXact(), editable=False)

    class Meta:
        abstract = True


@dataclass(frozen=True, slots=True)
class Moment:
    """What was known: at a time, and, where it was noted, by which transactions.

    Attributes
    ----------
    time : datetime
        Aware, of the database's clock.
    snapshot : str or None
        PostgreSQL's `pg_snapshot`; None: all that was stored until `time` counts as known.
    xact : str or None
        The transaction that looked, which knew its own rows; None: it had written none.
    """

    time: datetime
    snapshot: str | None = None
    xact: str | None = None

    def parameters(self) -> dict[str, Any]:
        """Return what `known` names."""
        return {"at": self.time, "snapshot": self.snapshot, "xact": self.xact}


def now() -> Moment:
    """Return the present moment: what is committed now, and what this transaction wrote."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT statement_timestamp(), pg_current_snapshot()::text,"
            " pg_current_xact_id_if_assigned()::text"
        )
        return Moment(*cursor.fetchone())


def known(table: str = "", *, time: str = "stored", xact: str = "xact") -> str:
    """Return SQL that is true of the rows known at a moment; its values are `parameters`.

    Parameters
    ----------
    table
        The alias of the table in the query; "" where there is but one.
    time, xact
        Its columns that say when and by which transaction a row was stored.
    """
    prefix = f"{table}." if table else ""
    stored, by = f"{prefix}{time}", f"{prefix}{xact}"
    return (
        f"({stored} IS NULL OR {stored} <= %(at)s::timestamptz AND ({by} IS NULL"
        f" OR %(snapshot)s::pg_snapshot IS NULL OR {by} = %(xact)s::xid8"
        f" OR pg_visible_in_snapshot({by}, %(snapshot)s::pg_snapshot)))"
    )
