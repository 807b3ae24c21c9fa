"""An event's likeliest galaxies, as the API tells them."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tom.events.models import NonLocalizedEvent
from tom.followup.sites import sites
from tom.web.api.filters import read_choice
from tom.web.api.parameters import takes
from tom.web.event_galaxies import ListState, open_list, rows_up, with_hours


class ListedGalaxySerializer(serializers.Serializer[dict[str, Any]]):
    """A galaxy that may hold the event's source, with each part of its rank."""

    rank = serializers.IntegerField()
    catalogue = serializers.CharField()
    number = serializers.CharField(help_text="The catalogue's own id")
    name = serializers.CharField()
    ra = serializers.FloatField(help_text="ICRS degrees")
    dec = serializers.FloatField(help_text="ICRS degrees")
    share = serializers.FloatField(help_text="The chance that it is the host")
    credible_level_2d = serializers.FloatField(allow_null=True)
    distance_mpc = serializers.FloatField(allow_null=True)
    distance_error_mpc = serializers.FloatField(
        allow_null=True, help_text="With the peculiar velocity"
    )
    distance_kind = serializers.CharField(help_text="spectroscopic, photometric or measured")
    distance_offset_sigma = serializers.FloatField(
        allow_null=True, help_text="How far it lies behind the map's distance, in errors of both"
    )
    b_magnitude = serializers.FloatField(allow_null=True, help_text="Vega")
    luminosity = serializers.FloatField(allow_null=True, help_text="In B, 1e10 suns")
    completeness = serializers.FloatField(
        allow_null=True, help_text="The share of the light at its distance that is listed"
    )
    tonight = serializers.DictField(
        child=serializers.FloatField(), help_text="Hours that it can be observed, by site"
    )


class GalaxyListSerializer(serializers.Serializer[dict[str, Any]]):
    """An event's list of galaxies; the shares of all ranked ones and `none_share` sum to 1."""

    state = serializers.ChoiceField([str(state) for state in ListState])
    stored = serializers.DateTimeField(allow_null=True)
    n_galaxies = serializers.IntegerField(help_text="How many were ranked")
    none_share = serializers.FloatField(
        allow_null=True, help_text="The chance that no listed galaxy is the host"
    )
    completeness = serializers.FloatField(
        allow_null=True, help_text="The share of the light at the map's distances that is listed"
    )
    citations = serializers.ListField(child=serializers.CharField())
    galaxies = ListedGalaxySerializer(many=True)


class EventGalaxies(APIView):
    """List the galaxies that may hold an event's source, the likeliest 500 first."""

    @takes(OpenApiParameter("site", str, description="Those that can be observed there tonight"))
    @extend_schema(responses=GalaxyListSerializer)
    def get(self, request: Request, event_id: str) -> Response:
        rows = NonLocalizedEvent.objects.select_related("used")
        opened, now = open_list(get_object_or_404(rows, event_id=event_id)), timezone.now()
        site = read_choice(request, "site", sorted(sites()))
        found = opened.found
        galaxies = rows_up(found.galaxies if found else [], site or "", now=now)
        told = {
            "state": opened.state,
            "stored": found.stored if found else None,
            "n_galaxies": found.n_galaxies if found else 0,
            "none_share": found.none_share if found else None,
            "completeness": found.completeness if found else None,
            "citations": found.citations if found else [],
            "galaxies": with_hours(galaxies, now=now),
        }
        return Response(GalaxyListSerializer(told).data)
