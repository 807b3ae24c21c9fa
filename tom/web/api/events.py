"""Events, their chains, and their ranked candidates."""

from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tom.candidates.models import EventCandidate
from tom.events.localizations import choose_localization
from tom.events.models import EventKind, EventLocalization, EventSequence, NonLocalizedEvent
from tom.targets.models import Visitor
from tom.targets.visible import is_shown
from tom.web.api import pagination
from tom.web.api.filters import SAID_PARAMETERS, read_choice, read_said_choice
from tom.web.api.pagination import Pages
from tom.web.api.parameters import takes
from tom.web.best_first import find_best
from tom.web.candidate_rows import read_candidates
from tom.web.chances import scale_of
from tom.web.event_facts import said_by_hand
from tom.web.event_joins import find_joined
from tom.web.known import newest_terms, programs_of, rank_visible, seen_by
from tom.web.places import ALL_RANKED

# A stored map's bytes have no place in a list.
_BULKY = ("localization__fits", "localization__packed", "localization__contours")


class SequenceFigure(serializers.FloatField):
    """A figure of the localization that a message brought, else null."""

    def get_attribute(self, instance: EventSequence) -> float | None:
        brought = instance.localization
        return getattr(brought.localization, str(self.field_name)) if brought else None


class EventFigure(serializers.FloatField):
    """A figure of the localization that the event uses, else null."""

    def get_attribute(self, instance: NonLocalizedEvent) -> float | None:
        chosen = choose_localization(instance, instance.localizations.all())
        return getattr(chosen.localization, str(self.field_name)) if chosen else None


class SequenceSerializer(serializers.ModelSerializer[EventSequence]):
    """One message of an event's chain."""

    area_50 = SequenceFigure(read_only=True, allow_null=True, help_text="deg2")
    area_90 = SequenceFigure(read_only=True, allow_null=True, help_text="deg2")
    distance_mean = SequenceFigure(read_only=True, allow_null=True, help_text="Mpc")
    distance_std = SequenceFigure(read_only=True, allow_null=True, help_text="Mpc")

    by = serializers.JSONField(
        source="by_hand.by", default=None, read_only=True, help_text="Who wrote it by hand"
    )

    class Meta:
        model = EventSequence
        fields = (
            *("number", "sender", "by", "alert_type", "time_created"),
            *("area_50", "area_90", "distance_mean", "distance_std"),
        )


class EventSerializer(serializers.ModelSerializer[NonLocalizedEvent]):
    """An event as its chain now has it, with the figures of the localization it uses."""

    is_live = serializers.BooleanField(
        read_only=True, help_text="Neither a test nor retracted: it may reach real facilities"
    )
    area_50 = EventFigure(read_only=True, allow_null=True, help_text="deg2")
    area_90 = EventFigure(read_only=True, allow_null=True, help_text="deg2")
    distance_mean = EventFigure(read_only=True, allow_null=True, help_text="Mpc")
    distance_std = EventFigure(read_only=True, allow_null=True, help_text="Mpc")
    max_ra = EventFigure(read_only=True, allow_null=True, help_text="ICRS degrees")
    max_dec = EventFigure(read_only=True, allow_null=True, help_text="ICRS degrees")
    is_by_hand = serializers.BooleanField(
        read_only=True, help_text="A person made it here, not a mission's message"
    )
    sequences = SequenceSerializer(many=True, read_only=True)

    class Meta:
        model = NonLocalizedEvent
        fields = (
            *("event_id", "kind", "time", "alert_type", "time_created", "significant", "far"),
            *("classification", "properties", "test_reasons", "is_live", "is_by_hand"),
            "retracted",
            *("distance_mean", "distance_std", "area_50", "area_90", "max_ra", "max_dec"),
            "sequences",
        )


class TermSerializer(serializers.Serializer[dict[str, Any]]):
    """One reason for a candidate's place: a likelihood ratio (natural log) with its interval."""

    name = serializers.CharField()
    log_lr = serializers.FloatField()
    log_lr_low = serializers.FloatField()
    log_lr_high = serializers.FloatField()
    reason = serializers.CharField(allow_blank=True, help_text="Why it says nothing")
    value = serializers.JSONField(allow_null=True)
    inputs = serializers.ListField(child=serializers.CharField())


class CandidateSerializer(serializers.ModelSerializer[EventCandidate]):
    """A target for an event, with its rank among those you may see and every term of it."""

    target = serializers.IntegerField(source="target_id", read_only=True)
    name = serializers.CharField(source="target.name", read_only=True)
    ra = serializers.FloatField(source="target.ra", read_only=True, help_text="ICRS degrees")
    dec = serializers.FloatField(source="target.dec", read_only=True, help_text="ICRS degrees")
    posterior = serializers.FloatField(
        read_only=True,
        allow_null=True,
        help_text="The chance to be the counterpart, 0 to 1; with `none` all of them add up to 1",
    )
    posterior_low = serializers.FloatField(read_only=True, allow_null=True)
    posterior_high = serializers.FloatField(read_only=True, allow_null=True)
    terms = serializers.SerializerMethodField()

    class Meta:
        model = EventCandidate
        fields = (
            *("id", "target", "name", "ra", "dec", "rank"),
            *("posterior", "posterior_low", "posterior_high"),
            *("credible_level_2d", "credible_level_3d", "probdensity"),
            *("vetting", "vetted", "created", "terms"),
        )

    @staticmethod
    @extend_schema_field(TermSerializer(many=True))
    def get_terms(candidate: EventCandidate) -> list[dict[str, Any]]:
        terms: list[dict[str, Any]] = candidate.terms  # type: ignore[attr-defined]  # by the view
        return terms


def told_events() -> QuerySet[NonLocalizedEvent]:
    """Events with all that the API tells of them, in as many queries whatever their number."""
    light = EventLocalization.objects.select_related("localization").defer(*_BULKY)
    sequences = EventSequence.objects.prefetch_related(Prefetch("localization", light))
    sequences = sequences.annotate(by_hand=said_by_hand())
    return NonLocalizedEvent.objects.prefetch_related(
        Prefetch("sequences", sequences.defer("details")),
        Prefetch("localizations", light),
    )


class EventList(generics.ListAPIView[NonLocalizedEvent]):
    """List events, the newest first."""

    serializer_class = EventSerializer
    queryset = NonLocalizedEvent.objects.none()

    @takes(OpenApiParameter("kind", str, enum=EventKind.values))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[NonLocalizedEvent]:
        kind = read_choice(self.request, "kind", EventKind.values)
        return told_events().filter(kind=kind) if kind else told_events()


class EventDetail(generics.RetrieveAPIView[NonLocalizedEvent]):
    """Show one event."""

    serializer_class = EventSerializer
    lookup_field = "event_id"
    queryset = NonLocalizedEvent.objects.none()

    def get_queryset(self) -> QuerySet[NonLocalizedEvent]:
        return told_events()

    def get_object(self) -> NonLocalizedEvent:
        """The event of this name, or the one that it was joined to."""
        name, rows = self.kwargs["event_id"], self.get_queryset()
        found = rows.filter(event_id=name).first()
        return found or rows.get(pk=find_joined(name).pk)


class CandidatePages(Pages):
    """Candidates, and the chance that none of them is the counterpart."""

    none: float | None = None
    event: NonLocalizedEvent
    user: Visitor
    said: Q

    def read_between(self, queryset: Any, *, first: int, last: int) -> list[Any]:
        """Read the keys of candidates of `seen_by`, best first: an index has them in order."""
        programs = programs_of(self.user)
        return [row.pk for row in find_best(queryset, self.event, programs, most=last)[first:]]

    def count_some(self, queryset: Any) -> int:
        """Count the candidates; those by public points alone are counted first, if enough."""
        if self.said:  # of the few that fit the database knows better where to begin
            return super().count_some(queryset)
        shown = is_shown(self.user, target="target", one_by_one=True)
        public = EventCandidate.objects.filter(shown, event=self.event, is_public=True)
        number = super().count_some(public)
        is_all = number > pagination.MOST_COUNTED or not programs_of(self.user)
        return number if is_all else super().count_some(queryset)

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        response.data["none_of_these"] = self.none
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        page["properties"]["none_of_these"] = {
            "type": "number",
            "nullable": True,
            "description": "The chance that none of the candidates is the counterpart, 0 to 1",
        }
        return page


class CandidateList(generics.ListAPIView[EventCandidate]):
    """List an event's candidates that you may see, as the newest ranking has them."""

    serializer_class = CandidateSerializer
    pagination_class = CandidatePages
    queryset = EventCandidate.objects.none()

    @takes(*SAID_PARAMETERS)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[EventCandidate]:
        event = get_object_or_404(NonLocalizedEvent, event_id=self.kwargs["event_id"])
        said = read_said_choice(self.request).of("target", programs_of(self.request.user))
        if isinstance(self.paginator, CandidatePages):
            self.paginator.event, self.paginator.said = event, said
            self.paginator.user = self.request.user
            self.paginator.none = scale_of(event, self.request.user).none
        return seen_by(self.request.user, one_by_one=True).filter(said, event=event)

    def paginate_queryset(self, queryset: Any) -> list[Any]:
        keys = super().paginate_queryset(queryset) or []
        page, terms = read_candidates(keys), newest_terms(keys, programs_of(self.request.user))
        for row in page:
            row.terms = terms.get(row.pk, [])  # type: ignore[attr-defined]  # for the serializer
        return rank_visible(page, self.request.user, most=ALL_RANKED)
