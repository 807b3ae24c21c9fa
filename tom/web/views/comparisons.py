"""Comparisons of strategies on past nights: asked for, and what they found."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from tom.pipeline import compare, nudge
from tom.ranking.compared import Comparison
from tom.ranking.comparisons import ask_for_comparison, under_way
from tom.web.comparing import read_columns, read_overlap
from tom.web.comparison_form import TRUTH_WORDS, ComparisonForm
from tom.web.keys import read_pk
from tom.web.people import person
from tom.web.permissions import COMPARE_STRATEGIES
from tom.web.refusals import require

LISTED = 20


@require_http_methods(["GET", "HEAD", "POST"])
def comparison_list(request: HttpRequest) -> HttpResponse:
    """The form of a comparison, and those that the person may see; a POST asks for one."""
    user = person(request)
    if request.method != "POST":
        chosen = request.GET.getlist("strategies")
        return _list(request, ComparisonForm(user=user, initial={"strategies": chosen}))
    require(request, COMPARE_STRATEGIES)
    form = ComparisonForm(request.POST, user=user)
    if not form.is_valid():
        return _list(request, form, status=422)
    own = under_way(user)
    if own is not None:
        messages.error(request, "This comparison of yours is under way. Ask again when it is done.")
        return redirect("comparison", own.pk)
    asked = form.cleaned_data
    made = ask_for_comparison(
        asked["strategies"], nights=asked["nights"], k=asked["k"], truth=asked["truth"], by=user
    )
    transaction.on_commit(partial(nudge, compare, made.pk))
    return redirect("comparison", made.pk)


def _list(request: HttpRequest, form: ComparisonForm, *, status: int = 200) -> HttpResponse:
    seen = Comparison.objects.visible_to(person(request)).select_related("made_by")
    rows = seen.prefetch_related("parts__strategy")[:LISTED]
    context = {"form": form, "comparisons": rows, "truths": TRUTH_WORDS}
    return render(request, "lists/comparisons.html", context, status=status)


@require_safe
def comparison(request: HttpRequest, pk: int) -> HttpResponse:
    """What a comparison found so far; `?part=found` is fetched again while it is under way."""
    user = person(request)
    found = get_object_or_404(Comparison.objects.visible_to(user), pk=pk)
    parts = list(found.parts.select_related("strategy"))
    moments = found.moments()
    at = _night_asked(request, len(moments))
    done = sum(len(part.nights) for part in parts)
    columns = read_columns(found, parts)
    context: dict[str, Any] = {
        "comparison": found,
        "parts": parts,
        "truth": TRUTH_WORDS.get(found.truth, found.truth),
        "columns": columns,
        "is_empty": all(each.n_empty == each.n_nights for each in columns),
        "moments": list(enumerate(moments)),
        "night": at,
        "overlap": read_overlap(parts, at, user),
        "done": done,
        "total": len(parts) * len(moments),
    }
    part = request.GET.get("part") == "found"
    return render(request, "lists/_comparison.html" if part else "lists/comparison.html", context)


def _night_asked(request: HttpRequest, n: int) -> int:
    """Which of n moments the address names; the first, if none."""
    return min(read_pk(request.GET.get("night", "")) or 0, n - 1)
