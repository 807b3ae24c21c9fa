"""Lists without an event, and the targets in them."""

from typing import Any

from django.db.models import F, Func, IntegerField, QuerySet
from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tom.candidates.models import Vetting
from tom.ranking.models import RankedCandidate
from tom.strategies.models import Strategy
from tom.strategies.watching import near_watched
from tom.web.api.events import TermSerializer
from tom.web.api.filters import SAID_PARAMETERS, read_said_choice
from tom.web.api.pagination import MOST_COUNTED, Pages
from tom.web.api.parameters import takes
from tom.web.known import programs_of
from tom.web.lists import find_strategy, first_places, places_in, read_places
from tom.web.people import person
from tom.web.vettings import verdicts_in_list


class StrategySerializer(serializers.ModelSerializer[Strategy]):
    """A list without an event, with what it looks for."""

    n_watched = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="How many places it watches; null: anywhere"
    )

    class Meta:
        model = Strategy
        fields = (
            *("id", "name", "sought", "prior", "weights", "terms", "by", "within", "days_before"),
            *("brighter_than", "first_seen_days", "ra", "dec", "radius_deg", "with_tests"),
            *("n_watched", "ranked"),
        )


class ListedSerializer(serializers.ModelSerializer[RankedCandidate]):
    """A target in a list, with its chance and every term of it; the most probable come first."""

    target = serializers.IntegerField(source="target_id", read_only=True)
    name = serializers.CharField(source="target.name", read_only=True)
    ra = serializers.FloatField(source="target.ra", read_only=True, help_text="ICRS degrees")
    dec = serializers.FloatField(source="target.dec", read_only=True, help_text="ICRS degrees")
    posterior = serializers.FloatField(
        read_only=True,
        allow_null=True,
        help_text="0 to 1; null where a scorer's number puts the list in order",
    )
    posterior_low = serializers.FloatField(read_only=True, allow_null=True)
    posterior_high = serializers.FloatField(read_only=True, allow_null=True)
    number = serializers.FloatField(
        read_only=True, allow_null=True, help_text="That number; null in a list of chances"
    )
    vetting = serializers.ChoiceField(choices=Vetting.choices, read_only=True)
    vetted = serializers.DateTimeField(read_only=True, allow_null=True)
    watched = serializers.CharField(
        source="near.name", default=None, read_only=True, help_text="The watched place it is near"
    )
    watched_arcsec = serializers.FloatField(source="near.arcsec", default=None, read_only=True)
    terms = serializers.SerializerMethodField()

    class Meta:
        model = RankedCandidate
        fields = (
            *("target", "name", "ra", "dec"),
            *("posterior", "posterior_low", "posterior_high", "number"),
            *("vetting", "vetted", "watched", "watched_arcsec", "terms"),
        )

    @staticmethod
    @extend_schema_field(TermSerializer(many=True))
    def get_terms(place: RankedCandidate) -> list[dict[str, Any]]:
        return place.read_terms()


class StrategyList(generics.ListAPIView[Strategy]):
    """List the lists without an event that you may see."""

    serializer_class = StrategySerializer
    queryset = Strategy.objects.none()

    def get_queryset(self) -> QuerySet[Strategy]:
        lists = Strategy.objects.visible_to(person(self.request)).without_event()
        n_watched = Func(
            F("watched__places"), function="jsonb_array_length", output_field=IntegerField()
        )
        return lists.annotate(n_watched=n_watched).order_by("name")


class ListPages(Pages):
    """Pages of a list without an event; of a whole one the places are found by the weight."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.whole = None if read_said_choice(request) else view.strategy
        self.user = person(request)
        return super().paginate_queryset(queryset, request, view)

    def read_between(self, queryset: Any, *, first: int, last: int) -> list[Any]:
        if self.whole is None or last > MOST_COUNTED:
            return super().read_between(queryset, first=first, last=last)
        places = first_places(self.whole, self.user, most=last)
        return [pk for pk, _ in places[first:]]


class ListedTargets(generics.ListAPIView[RankedCandidate]):
    """List the targets of a list without an event that you may see, as it is ranked now."""

    serializer_class = ListedSerializer
    pagination_class = ListPages
    queryset = RankedCandidate.objects.none()

    @cached_property
    def strategy(self) -> Strategy:
        return find_strategy(self.kwargs["pk"], person(self.request))

    @takes(*SAID_PARAMETERS)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[RankedCandidate]:
        user = person(self.request)
        places = places_in(self.strategy, user)
        return places.filter(read_said_choice(self.request).of("target", programs_of(user)))

    def paginate_queryset(self, queryset: Any) -> list[Any] | None:
        page = super().paginate_queryset(queryset.values_list("pk", flat=True))
        if page is None:
            return None
        user = person(self.request)
        places = read_places(page, user)
        said = verdicts_in_list(self.strategy, [place.target_id or 0 for place in places], user)
        near = near_watched(
            self.strategy.watched_id, [each.target for each in places if each.target]
        )
        for place in places:
            place.near = near.get(place.target_id or 0)
            newest = next(iter(said.get(place.target_id or 0, ())), None)
            place.vetting = newest.verdict if newest else Vetting.NEW
            place.vetted = newest.created if newest else None
        return places
