"""How often a plan visits each field, as it is typed into its form."""

from collections.abc import Mapping
from datetime import timedelta

from tom.planning.wanted import ONCE, Visits
from tom.web.plan_numbers import VISITS
from tom.web.plan_typed import PlanForm

LONGEST_BAND = 20


def read_visits(
    form: PlanForm, numbers: Mapping[str, float | None], span: timedelta | None
) -> Visits:
    """Read the visits; each fault stands at its field, and says what to do.

    Parameters
    ----------
    span
        Of the plan; None: it is not known.
    """
    count, apart = (numbers[each.name] for each in VISITS)
    bands = tuple(form.values["visit_bands"].replace(",", " ").split())
    if count is None or apart is None:
        return ONCE
    n = int(count)
    if n != count:
        form.refuse("visits", "Write a whole number.")
    if bands and len(bands) != n:
        form.refuse("visit_bands", f"Write {n} of them, a blank between two, or none at all.")
    elif any(len(each) > LONGEST_BAND or not each.isprintable() for each in bands):
        form.refuse("visit_bands", f"A band has at most {LONGEST_BAND} characters.")
    visits = Visits(n, 60 * apart if n > 1 else 0.0, bands)
    if n > 1 and span is not None and 0 < span.total_seconds() <= visits.span_s:
        form.refuse(
            "visits_apart",
            f"{n} visits take {visits.span_s / 60:g} minutes, longer than from start to end:"
            " ask for fewer, or less time between them.",
        )
    most = numbers["most"]
    if most is not None and most < n:
        form.refuse("most", f"{n} visits need at least {n} pointings.")
    return visits
