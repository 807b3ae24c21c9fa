"""What lists look for: strategies are made, changed, brought back and deleted; their history."""

import csv
from itertools import zip_longest
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tom.ranking.changing import (
    ChangedMeanwhileError,
    StillRankedError,
    TakenError,
    bring_back,
    change_strategy,
    delete_strategy,
    make_strategy,
    newest_number,
)
from tom.ranking.models import Listing, Ranking
from tom.strategies.models import Strategy, StrategyVersion
from tom.strategies.versions import settings_of
from tom.web.keys import read_pk
from tom.web.pagination import page_of
from tom.web.people import person
from tom.web.permissions import CHANGE_LIST, DELETE_LIST, MAKE_LIST
from tom.web.refusals import needs
from tom.web.spreadsheets import cell
from tom.web.strategy_beginnings import BEGINNINGS, begun_with, copy_of
from tom.web.strategy_form import StrategyForm, class_options
from tom.web.strategy_scorers import hidden_scorers
from tom.web.strategy_words import changes_between, names_for, tell_settings
from tom.web.watched_text import COLUMNS

PER_PAGE: Final = 25
MEANWHILE: Final = "Somebody changed this strategy meanwhile"


def _seen(pk: int, user: User) -> Strategy:
    """A strategy that the user may see, switched on or not, or raise 404."""
    return get_object_or_404(Strategy.objects.visible_to(user).select_related("group"), pk=pk)


def _list_of(strategy: Strategy) -> Listing | None:
    """The list that a strategy makes without an event; None: it makes none."""
    return Listing(None, strategy) if strategy.active and not strategy.kind else None


# --- The form -----------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@needs(MAKE_LIST)
def list_new(request: HttpRequest) -> HttpResponse:
    """Make a strategy; `?from=` names one whose settings it begins with, `?like=` usual ones."""
    user, key = person(request), read_pk(request.GET.get("from", ""))
    source = None if key is None else _seen(key, user)
    blank = begun_with(request.GET.get("like", "")) if source is None else copy_of(source)
    typed = request.POST.copy()
    if source is not None and typed.get("name") == source.name:
        typed["name"] = blank.name
    form = StrategyForm(typed if request.method == "POST" else None, user=user, instance=blank)
    if not form.is_bound:
        return _show(request, form, None, source=source)
    made = _make(form, user) if form.is_valid() else None
    if made is None:
        return _show(request, form, None, source=source, status=422)
    messages.success(request, f"{made.name} is made.")
    return redirect("list_versions", made.pk)


def _make(form: StrategyForm, user: User) -> Strategy | None:
    """Keep a new strategy; None: the form says why not."""
    try:
        return make_strategy(form.chosen(), by=user, note=form.cleaned_data["note"])
    except TakenError:
        form.add_error("name", "Somebody just made one of this name or kind: look at the lists.")
        return None


@require_http_methods(["GET", "HEAD", "POST"])
@needs(CHANGE_LIST)
def list_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a strategy: what is saved is its next version."""
    user = person(request)
    strategy = _seen(pk, user)
    form = StrategyForm(
        request.POST if request.method == "POST" else None,
        user=user,
        shown=newest_number(strategy),
        instance=_seen(pk, user),  # one of its own: the form writes what is typed into it
    )
    if not form.is_bound:
        return _show(request, form, strategy)
    if not (form.is_valid() and _change(request, form, strategy)):
        return _show(request, form, strategy, status=422)
    return redirect("list_versions", strategy.pk)


def _change(request: HttpRequest, form: StrategyForm, strategy: Strategy) -> bool:
    """Save what was typed, and tell of it; False: the form says why not."""
    typed = form.cleaned_data
    try:
        version = change_strategy(
            strategy.pk,
            form.chosen(),
            by=person(request),
            shown=typed["shown"] or 0,
            note=typed["note"],
        )
    except ChangedMeanwhileError:
        _tell_clash(request, form, strategy)
        return False
    except TakenError:
        form.add_error("name", "Somebody just gave another list this name: choose another one.")
        return False
    _tell(request, version)
    return True


def _tell_clash(request: HttpRequest, form: StrategyForm, strategy: Strategy) -> None:
    """Say who changed it, and let the next press of Save replace that."""
    newest = strategy.versions.select_related("by").order_by("-number").first()
    if newest is None:
        return
    typed = request.POST.copy()
    typed["shown"] = str(newest.number)
    form.data = typed
    history = reverse("list_versions", args=[strategy.pk])
    who = newest.by or "somebody"
    told = format_html('{} saved <a href="{}">version {}</a>', who, history, newest.number)
    again = "Nothing of yours is saved. Change what is here and save again: that replaces it."
    form.add_error(None, format_html("{}: {}. {}", MEANWHILE, told, again))


def _tell(request: HttpRequest, version: StrategyVersion | None) -> None:
    if version is None:
        messages.info(request, "Nothing was changed.")
    else:
        messages.success(request, f"Saved as version {version.number}. Undo is below.")


def _show(
    request: HttpRequest,
    form: StrategyForm,
    strategy: Strategy | None,
    *,
    source: Strategy | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "strategy": strategy,
        "listing": strategy and _list_of(strategy),
        "source": source,
        "classes": class_options(),
        "beginnings": BEGINNINGS,
    }
    return render(request, "lists/form.html", context, status=status)


# --- The history --------------------------------------------------------------------------------
@require_safe
def list_versions(request: HttpRequest, pk: int) -> HttpResponse:
    """The settings of a strategy in words, and each version with what it changed."""
    user = person(request)
    strategy = _seen(pk, user)
    number = newest_number(strategy)  # first: what came since is refused, not undone unseen
    page = page_of(
        request, strategy.versions.select_related("by").order_by("-number"), per_page=PER_PAGE
    )
    shown = list(page)
    last = shown[-1].number if shown else 0
    # What the oldest one on the page changed shows against the one before it.
    older = list(strategy.versions.filter(number__lt=last).order_by("-number")[:1])
    context = {
        "strategy": strategy,
        "listing": _list_of(strategy),
        "page": page,
        "number": number,
        "before": number - 1,
        "is_ranked": Ranking.objects.filter(strategy=strategy).exists(),
        **_told(strategy, [*shown, *older], len(shown), user),
    }
    return render(request, "lists/versions.html", context)


def _told(
    strategy: Strategy, versions: list[StrategyVersion], n_shown: int, user: User
) -> dict[str, Any]:
    """The settings in force, and of each version that is shown what it changed and what it says."""
    now = StrategyVersion(strategy=strategy, chosen=settings_of(strategy))
    names = names_for([now, *versions], hidden_scorers(user))
    rows = [
        (
            version,
            changes_between(older.chosen, version.chosen, names) if older else [],
            tell_settings(version.chosen, names),
        )
        for version, older in zip_longest(versions, versions[1:])
    ]
    return {"settings": tell_settings(now.chosen, names), "rows": rows[:n_shown]}


@require_safe
def list_watched(request: HttpRequest, pk: int) -> HttpResponse:
    """The places that a list watches, as CSV; the form takes it, too."""
    strategy = _seen(pk, person(request))
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="watched-{pk}.csv"'
    writer = csv.writer(response)
    writer.writerow(COLUMNS)
    places = [] if strategy.watched is None else strategy.watched.watched
    writer.writerows((cell(name), *figures) for name, *figures in places)
    return response


@require_POST
@needs(CHANGE_LIST)
def list_bring_back(request: HttpRequest, pk: int, version: int) -> HttpResponse:
    """Make the settings of an earlier version those of the next one."""
    user = person(request)
    strategy = _seen(pk, user)
    earlier = get_object_or_404(strategy.versions, number=version)
    shown = read_pk(request.POST.get("shown", "")) or 0
    try:
        _tell(request, bring_back(earlier, by=user, shown=shown))
    except ChangedMeanwhileError:
        messages.error(request, f"{MEANWHILE}: this page has what it says now.")
    except TakenError:
        messages.error(request, "Another list has the name or the kind of that version now.")
    except ValidationError as error:
        why = " ".join(error.messages)
        messages.error(request, f"Version {version} cannot be brought back: {why}")
    return redirect("list_versions", strategy.pk)


@require_POST
@needs(DELETE_LIST)
def list_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a strategy that has ranked nothing."""
    strategy = _seen(pk, person(request))
    try:
        delete_strategy(strategy)
    except StillRankedError:
        messages.error(request, f"{strategy.name} has rankings or verdicts, which keep it.")
        return redirect("list_versions", strategy.pk)
    messages.success(request, f"{strategy.name} is deleted.")
    return redirect("list_index")
