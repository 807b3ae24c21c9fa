"""Targets: the list with its search, and all that is known of one."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet, prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate
from tom.followup.models import ObservationRequest
from tom.kept_queries import Given, kept_query
from tom.records.redshift import RedshiftSource
from tom.reports.notifications.follows import is_following
from tom.reports.notifications.models import FollowKind
from tom.scoring.models import Score
from tom.scoring.own import PREFIX
from tom.scoring.own_services import weighing_names
from tom.shifts.claims import claims_on
from tom.sky import galactic
from tom.strategies.services import Chosen, chosen_by, lists_for
from tom.targets.audiences import show_targets
from tom.targets.cutouts import has_stamps, pictures_of
from tom.targets.models import Audience, PointUpload, UploadedSpectrum
from tom.targets.visible import Reader, reader_of, visible_targets
from tom.targets.words import disagreement, first_tags, newest_words
from tom.web.candidate_order import one_of
from tom.web.comments import first_comments
from tom.web.distances import given_redshift_of, redshift_of
from tom.web.hosts import found_hosts
from tom.web.known import (
    find_shown,
    join_summaries,
    newest_terms,
    programs_of,
    rank_visible,
)
from tom.web.lightcurve import plot_data
from tom.web.links import links_of
from tom.web.pagination import page_of
from tom.web.people import person
from tom.web.said import read_said
from tom.web.score_kinds import CHANCES, show_kinds
from tom.web.search_text import find_targets, read_search
from tom.web.target_objects import find_joined, identity_of
from tom.web.target_order import in_turn, page_in_turn
from tom.web.target_ranks import LIST, Standing, page_by_list, strategy_asked
from tom.web.timeline import newest_timeline
from tom.web.verdicts import verdict_bar
from tom.web.visibility import tonight_at_sites

SCORES_SHOWN = 60
WORDS_SHOWN = 300
COMMENTS_SHOWN = 100
EARLIEST = datetime.min.replace(tzinfo=UTC)
LIST_SHOWN = 20


@require_safe
def target_list(request: HttpRequest) -> HttpResponse:
    """Targets that the user may see, by name, alias or place."""
    sought = read_search(request.GET.get("q", ""))
    user = person(request)
    chosen = chosen_by(user)
    order = request.GET.get("order") or _usual_order(chosen)
    strategy = strategy_asked(order, user) if sought.cone is None else None
    rows = visible_targets(request.user).filter(summary__isnull=False).select_related("summary")
    programs = programs_of(request.user)
    rows = find_targets(rows, sought, programs)
    said = read_said(request.GET)
    few = said.few(programs) if strategy is None and sought.cone is None else None
    which = said.of("pk", programs) if few is None else Q(pk__in=one_of(few))
    standings: dict[int, Standing] = {}
    ranked_only = request.GET.get("rest") == "hide"
    if strategy is not None:
        rows = join_summaries(rows, "pk", programs)
        fits = which or Q(pk__isnull=False) if sought.name else which
        page, standings = page_by_list(
            request, rows, strategy, user, which=fits, is_ranked_only=ranked_only
        )
    elif sought.cone is None:
        rows = join_summaries(rows, "pk", programs).order_by(*in_turn(order, programs))
        page = page_in_turn(request, rows, order, which=which, name=sought.name, few=few)
    else:
        page = page_of(request, rows.filter(which))
    page.object_list = list(page.object_list)
    show_targets(page.object_list, programs)
    context = {
        "page": page,
        "sought": sought,
        "cone": sought.cone,
        "order": order,
        "said": said,
        "lists": [(f"{LIST}{row.pk}", row) for row in lists_for(user)],
        "ranked_by": strategy,
        "ranked_only": ranked_only,
        "standings": standings,
        "is_chosen": strategy is not None and chosen.is_own and strategy == chosen.strategy,
    }
    return render(request, "targets/list.html", context)


def _usual_order(chosen: Chosen) -> str:
    """The order of the list where the address names none: by the list that the person chose."""
    return f"{LIST}{chosen.strategy.pk}" if chosen.is_own and chosen.strategy else "seen"


@require_safe
def target(request: HttpRequest, pk: int) -> HttpResponse:
    """One target; `?part=` names a part that is swapped by itself."""
    user = person(request)
    try:
        found = find_target(request, pk)
    except Http404:
        joined = find_joined(pk, user)
        if joined is None:
            raise
        return redirect("targets:detail", joined.pk)
    match request.GET.get("part"):
        case None:
            prefetch_related_objects([found], "aliases", "survey_objects")
            context = _head(found, user) | _standing(request, found) | _other_panels(found, user)
            context |= verdict_bar(request, found, user, shown=context["candidacies"])
            return render(request, "targets/target.html", context)
        case "standing":
            return render(request, "targets/_standing.html", _standing(request, found))
        case "cutouts":
            pictures = pictures_of(found, user)
            return render(request, "targets/_cutouts.html", {"target": found, "pictures": pictures})
        case "chips":
            context = _standing(request, found) | {"redshift": redshift_of(found)}
            return render(request, "targets/_chips.html", context)
        case "visibility":
            context = {"target": found, "nights": tonight_at_sites(found, timezone.now())}
            return render(request, "targets/_visibility.html", context)
        case _:
            message = "no such part"
            raise Http404(message)


def find_target(request: HttpRequest, pk: int) -> BaseTarget:
    """Find a target that the user may see, with its summary, or raise 404."""
    found = find_shown(pk, request.user)
    if found is None:
        message = "no such target"
        raise Http404(message)
    show_targets([found], programs_of(request.user))
    return found


def _head(found: BaseTarget, user: User) -> dict[str, Any]:
    given = given_redshift_of(found)
    aliases = list(found.aliases.all())
    names = [found.name, *(alias.name for alias in aliases)]
    return {
        "target": found,
        "claim": claims_on([found.pk], now=timezone.now()).get(found.pk),
        "summary": found.summary,
        "aliases": aliases,
        "links": links_of(names, ra=found.ra, dec=found.dec, survey=found.summary.survey),
        "redshift": given and given.value,
        "redshift_source": given.source if given else RedshiftSource.UNKNOWN,
        "redshift_sources": list(RedshiftSource),
        "galactic": _galactic(found),
        "follow_kind": FollowKind.TARGET,
        "follow_value": str(found.pk),
        "following": is_following(user, kind=FollowKind.TARGET, value=str(found.pk)),
    }


def _galactic(found: BaseTarget) -> tuple[float, float] | None:
    if found.ra is None or found.dec is None:
        return None
    longitude, latitude = galactic(found.ra, found.dec)
    return float(longitude), float(latitude)


def _standing(request: HttpRequest, found: BaseTarget) -> dict[str, Any]:
    """What changes as alerts come: scores, places in rankings, requests."""
    user = person(request)
    reader = reader_of(user)
    scores, shown = _scores(found, user), rank_visible(_candidacies(reader, target=found.pk), user)
    named = request.GET.get("event", "")
    chosen = [row for row in shown if named in ("", row.event.event_id)]
    return {
        "target": found,
        "summary": found.summary,
        **scores,
        "opinions": _opinions(scores["scores"]),
        **_said(found, user),
        "candidacies": _with_terms(found, shown, user),
        "timeline": newest_timeline(found, user, candidate=next(iter(chosen), None)),
        "requests": _requests(reader, target=found.pk),
    }


@kept_query
def _candidacies(reader: Reader, *, target: Given) -> QuerySet[EventCandidate]:
    rows = EventCandidate.objects.visible_to(reader.user).filter(target=target)
    in_turn = rows.order_by("-event__time", "event__event_id")
    return in_turn.select_related("event", "vetted_by")[:LIST_SHOWN]


@kept_query
def _requests(reader: Reader, *, target: Given) -> QuerySet[ObservationRequest]:
    rows = ObservationRequest.objects.visible_to(reader.user).filter(target=target)
    return rows.select_related("event")[:LIST_SHOWN]


def _scores(found: BaseTarget, user: User) -> dict[str, list[Score]]:
    """The newest outcome of each scorer for each window of time, and the older ones.

    Of what the reader's own audience knows: the target carries its summary. Those of scorers that
    people added and that do not weigh come apart.
    """
    rows = _newest_scores(reader_of(user), tuple(found.summary.audience), target=found.pk)
    newest: dict[tuple[str, object], Score] = {}
    for row in rows:
        newest.setdefault((row.scorer, row.since), row)
    show_kinds(rows)
    shown = sorted(newest.values(), key=_by_scorer)
    kept = {row.pk for row in shown}
    own = [row for row in shown if row.scorer.startswith(PREFIX)]
    weighing = weighing_names() if own else set()
    apart = [row for row in own if row.scorer not in weighing]
    return {
        "scores": [row for row in shown if row not in apart],
        "scores_apart": apart,
        "older_scores": [row for row in rows if row.pk not in kept],
    }


@kept_query
def _newest_scores(reader: Reader, audience: Audience, *, target: Given) -> QuerySet[Score]:
    theirs = Score.objects.visible_to(reader.person).filter(target=target)
    return theirs.filter(programs=list(audience)).order_by("-created", "-pk")[:SCORES_SHOWN]


def _said(found: BaseTarget, user: User) -> dict[str, Any]:
    """What brokers say: the newest word of each classifier, where they disagree, and tags."""
    words = newest_words(found, user, most=WORDS_SHOWN)
    tags = first_tags(found, user, most=WORDS_SHOWN)
    return {"words": words, "sides": disagreement(words), "tags": tags}


def _by_scorer(row: Score) -> tuple[str, datetime]:
    return row.scorer, row.since or EARLIEST


def _by_data(row: Score) -> tuple[int, datetime]:
    return row.data_version, row.since or EARLIEST


def _opinions(scores: list[Score]) -> list[tuple[str, str, float]]:
    """What each scorer last held for most likely: its name, the class and the probability."""
    told: dict[str, tuple[str, str, float]] = {}
    for row in sorted(scores, key=_by_data, reverse=True):
        is_chance = row.numbers_are == CHANCES  # type: ignore[attr-defined]
        if is_chance and row.probability and row.scorer not in told:
            chances = sorted(row.probability.items())
            likely, chance = max(chances, key=lambda item: item[1])
            told[row.scorer] = (row.scorer, likely, chance)
    return sorted(told.values())


def _with_terms(found: BaseTarget, rows: list[EventCandidate], user: User) -> list[EventCandidate]:
    """Give each candidacy the terms of its newest place, and the target as it was read."""
    terms = newest_terms([row.pk for row in rows], programs_of(user))
    for row in rows:
        row.target = found
        row.terms = terms.get(row.pk, [])  # type: ignore[attr-defined]
    return rows


def _other_panels(found: BaseTarget, user: User) -> dict[str, Any]:
    reader = reader_of(user)
    return {
        "has_stamps": has_stamps(found, user),
        "hosts": found_hosts(found),
        "comments": first_comments(found, user, most=COMMENTS_SHOWN),
        "uploads": _uploads(reader, target=found.pk),
        "has_spectra": bool(_any_spectrum(reader, target=found.pk)),
        **identity_of(found, user),
        "lightcurve_url": reverse("targets:lightcurve", args=[found.pk]),
    }


@kept_query
def _uploads(reader: Reader, *, target: Given) -> QuerySet[PointUpload]:
    return PointUpload.objects.visible_to(reader.user).filter(target=target)[:LIST_SHOWN]


@kept_query
def _any_spectrum(reader: Reader, *, target: Given) -> QuerySet[UploadedSpectrum, Any]:
    rows = UploadedSpectrum.objects.visible_to(reader.user).filter(target=target)
    return rows.order_by().values("pk")[:1]


@require_safe
def lightcurve(request: HttpRequest, pk: int) -> HttpResponse:
    """The points that the user may see, for the plot."""
    return JsonResponse(plot_data(find_target(request, pk), person(request)))


@require_safe
@cache_control(private=True, max_age=300)
def cutout(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """One picture of the target's newest stamps."""
    drawn = pictures_of(find_target(request, pk), person(request)).drawn.get(kind)
    if drawn is None or drawn.picture is None:
        message = "no such picture"
        raise Http404(message)
    return HttpResponse(drawn.picture.png, content_type="image/png")
