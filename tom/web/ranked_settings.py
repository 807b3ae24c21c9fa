"""The settings that a ranking was made with, as it keeps them, and how those of two differ."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, JSONField, TextField, Value

from tom.strategies.models import kilonova
from tom.strategies.watching import watch_lists_of
from tom.web.strategy_words import Change, Names, changes_between

SETTINGS: Final = ("sought", "weights", "terms", "by", "within")
LARGE: Final = ("specs", "constants", "brightness", "means", "galaxies", "usual")


def without_large() -> Func:
    """Return a query's expression for a ranking's basis without what is large in it."""
    large = Value(list(LARGE), output_field=ArrayField(TextField()))
    return Func(
        F("basis"),
        large,
        template="(%(expressions)s)",
        arg_joiner=" - ",
        output_field=JSONField(),
    )


def settings_then(basis: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the settings of a ranking, by the names that a strategy gives them.

    `kind` is that of the event; "": of a list without one.
    """
    first = {"sought": kilonova(), "terms": [], "weights": {}, "by": "", "within": ""}
    kept = {name: basis[name] for name in SETTINGS if name in basis}
    return {"kind": kind} | first | kept | (basis.get("rule") or {})


def settings_changed(
    before: Mapping[str, Any], after: Mapping[str, Any], *, kind: str, hidden: Collection[str]
) -> list[Change]:
    """Return which settings differ between the bases of two rankings, in words.

    A setting that one of them did not keep is not told. `hidden` as in `Names`.
    """
    if not before or not after:
        return []
    old, new = settings_then(before, kind), settings_then(after, kind)
    if old == new:
        return []
    shared = old.keys() & new.keys()
    before, after = ({name: each[name] for name in shared} for each in (old, new))
    names = Names({}, hidden, watch_lists_of((before, after)))
    return changes_between(before, after, names)
