"""Targets: found by name or place, with their light curves and scores."""

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from tom_targets.base_models import BaseTarget

from tom.photometry import magnitude_of
from tom.scoring.models import Score
from tom.sky.place_text import read_place
from tom.targets.audiences import show_targets, summaries_for
from tom.targets.classified import Classification, classifications_of
from tom.targets.models import POINT_ORDER, PUBLIC, LightCurvePoint, PointKind, TargetSummary
from tom.targets.peaks import PointName, peaks_of
from tom.targets.search import find_by_name, find_in_cone
from tom.targets.tags import Tag, tags_of
from tom.targets.visible import visible_targets
from tom.web.api.filters import SAID_PARAMETERS, read_number, read_said_choice, read_text
from tom.web.api.hosts import HostsSerializer
from tom.web.api.pagination import LightCurvePages
from tom.web.api.parameters import takes
from tom.web.api.timelines import TimelineSerializer
from tom.web.hosts import found_hosts
from tom.web.known import programs_of
from tom.web.people import person
from tom.web.timeline import newest_candidacy, newest_timeline

CONE = ("ra", "dec", "radius_arcsec")
WRITTEN = "ICRS: degrees, or as it is written elsewhere, say 197.45d"
POINT_COLUMNS = (
    *("time", "survey", "kind", "key", "band", "flux", "flux_error"),
    *("program__name", "program__public"),
)


class SummarySerializer(serializers.ModelSerializer[TargetSummary]):
    """The light curve in short, and what the alerts said of the surroundings."""

    healpix29 = serializers.CharField(read_only=True, help_text="nested, order 29; past 2**53")

    class Meta:
        model = TargetSummary
        fields = (
            *("healpix29", "survey", "ebv", "ebv_error", "n_detections", "n_limits"),
            *("first_seen", "first_detection", "last_detection"),
            *("last_magnitude", "last_band", "peak_magnitude", "alert_values"),
            *("star_separation_arcsec", "star_score"),
            *("solar_system_name", "solar_system_separation_arcsec"),
            *("host_name", "host_distance_mpc", "host_distance_error_mpc", "version"),
        )


class TargetSerializer(serializers.ModelSerializer[BaseTarget]):
    """A target that you may see."""

    ra = serializers.FloatField(read_only=True, help_text="ICRS degrees")
    dec = serializers.FloatField(read_only=True, help_text="ICRS degrees")
    aliases = serializers.SlugRelatedField[Any](slug_field="name", many=True, read_only=True)
    summary = SummarySerializer(read_only=True, allow_null=True, default=None)
    separation_arcsec = serializers.FloatField(
        read_only=True, default=None, allow_null=True, help_text="From a cone's centre"
    )

    class Meta:
        model = BaseTarget
        fields = (
            *("id", "name", "aliases", "ra", "dec", "permissions", "created"),
            *("separation_arcsec", "summary"),
        )


class TargetDetailSerializer(TargetSerializer):
    """A target that you may see, with its possible hosts."""

    hosts = HostsSerializer(
        read_only=True, allow_null=True, help_text="Null: no catalogue is loaded"
    )

    class Meta:
        model = BaseTarget
        fields = (*TargetSerializer.Meta.fields, "hosts")


class PointSerializer(serializers.Serializer[dict[str, Any]]):
    """One point of a light curve. A flux below three times its error has a limit only."""

    time = serializers.DateTimeField(help_text="UTC, middle of the exposure")
    survey = serializers.CharField()
    kind = serializers.CharField(help_text="alert, limit or forced")
    key = serializers.CharField(help_text="The survey's identity of the point")
    band = serializers.CharField()
    flux = serializers.FloatField(allow_null=True, help_text="Signed, nJy")
    flux_error = serializers.FloatField(allow_null=True, help_text="nJy")
    magnitude = serializers.FloatField(allow_null=True, help_text="AB")
    magnitude_error = serializers.FloatField(allow_null=True)
    limit = serializers.FloatField(allow_null=True, help_text="AB, 5 sigma")
    at_peak = serializers.BooleanField(
        help_text="Its source had no centre: measured at the brightest pixel, no PSF flux of it"
    )
    program = serializers.CharField()
    public = serializers.BooleanField()


class ScoreSerializer(serializers.ModelSerializer[Score]):
    """One scorer's opinion at one moment; without a probability it abstained, for `reason`."""

    class Meta:
        model = Score
        fields = (
            *("id", "scorer", "version", "artefact_sha256", "data_version", "data_until"),
            *("probability", "sigma", "reason", "explanation", "created"),
        )


class ClassificationSerializer(serializers.ModelSerializer[Classification]):
    """What one classifier says of an object, in its author's words; `classes` gives ours."""

    class Meta:
        model = Classification
        fields = (
            *("id", "author", "classifier", "version", "survey", "object_id", "time"),
            *("probabilities", "classes", "says", "taxonomy", "is_test", "stored"),
        )


class TargetList(generics.ListAPIView[BaseTarget]):
    """List targets that you may see, the newest first, or a cone's, the nearest first."""

    serializer_class = TargetSerializer
    queryset = BaseTarget.objects.none()

    @takes(
        OpenApiParameter("name", str, description="Part of the name or of an alias"),
        OpenApiParameter("ra", str, description=f"Cone's centre, {WRITTEN} or 13:09:48.1"),
        OpenApiParameter("dec", str, description=f"Cone's centre, {WRITTEN} or -23:22:53"),
        OpenApiParameter("radius_arcsec", float, description="0 to 36000"),
        *SAID_PARAMETERS,
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[BaseTarget]:
        targets = shown_targets(self.request)
        name = read_text(self.request, "name")
        if name:
            targets = find_by_name(targets, name, programs_of(self.request.user))
        said = read_said_choice(self.request).of("pk", programs_of(self.request.user))
        return _in_cone(self.request, targets.filter(said))

    def paginate_queryset(self, queryset: Any) -> list[Any] | None:
        page = super().paginate_queryset(queryset)
        show_targets(page or [], programs_of(self.request.user))
        return page


class TargetDetail(generics.RetrieveAPIView[BaseTarget]):
    """Show one target."""

    serializer_class = TargetDetailSerializer
    queryset = BaseTarget.objects.none()

    def get_queryset(self) -> QuerySet[BaseTarget]:
        return shown_targets(self.request)

    def get_object(self) -> BaseTarget:
        found = super().get_object()
        show_targets([found], programs_of(self.request.user))
        found.hosts = found_hosts(found)  # type: ignore[attr-defined]
        return found


class LightCurve(generics.GenericAPIView[Any]):
    """List the points of a target's light curve that you may see, in order of time."""

    serializer_class = PointSerializer
    pagination_class = LightCurvePages
    queryset = LightCurvePoint.objects.none()

    @takes(in_pages=True)
    @extend_schema(responses=PointSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        # Plain rows: model instances and serializer fields would take most of the time.
        points = LightCurvePoint.objects.visible_to(request.user)
        target = visible_target(request, pk)
        rows = points.filter(target=target)
        page = self.paginate_queryset(rows.order_by(*POINT_ORDER).values(*POINT_COLUMNS))
        peaks = peaks_of(target)
        return self.get_paginated_response([_tell_point(row, peaks) for row in page or []])


class ClassificationList(generics.ListAPIView[Classification]):
    """List what brokers say that a target is, the newest first."""

    serializer_class = ClassificationSerializer
    queryset = Classification.objects.none()

    def get_queryset(self) -> QuerySet[Classification]:
        target = shown_target(self.request, self.kwargs["pk"])
        return classifications_of(target, self.request.user)


class TagSerializer(serializers.ModelSerializer[Tag]):
    """A word with which a broker marks an object."""

    class Meta:
        model = Tag
        fields = ("id", "author", "tag", "survey", "object_id", "is_test", "stored")


class TagList(generics.ListAPIView[Tag]):
    """List the tags that brokers give a target's objects."""

    serializer_class = TagSerializer
    queryset = Tag.objects.none()

    def get_queryset(self) -> QuerySet[Tag]:
        target = shown_target(self.request, self.kwargs["pk"])
        return tags_of(target, self.request.user)


class TargetTimeline(generics.GenericAPIView[Any]):
    """Show the way of a target's newest alert that you may know of; no step: none was kept."""

    serializer_class = TimelineSerializer
    queryset = BaseTarget.objects.none()

    @takes(OpenApiParameter("event", str, description="Ranked for which event"))
    @extend_schema(responses=TimelineSerializer)
    def get(self, request: Request, pk: int) -> Response:
        target, user = shown_target(request, pk), person(request)
        event = read_text(request, "event")
        candidate = newest_candidacy(target, user, event_id=event or "")
        if event and candidate is None:
            raise Http404
        timeline = newest_timeline(target, user, candidate=candidate)
        return Response(TimelineSerializer(timeline).data)


class ScoreList(generics.ListAPIView[Score]):
    """List the scores of a target, the newest first, abstentions with them."""

    serializer_class = ScoreSerializer
    queryset = Score.objects.none()

    def get_queryset(self) -> QuerySet[Score]:
        target = visible_target(self.request, self.kwargs["pk"])
        programs = programs_of(self.request.user)
        row = summaries_for(programs, [target]).get(target)
        theirs = Score.objects.visible_to(person(self.request)).filter(target=target)
        mine = theirs.filter(programs=list(row.audience if row else PUBLIC))
        return mine.order_by("-created", "-pk")


def shown_target(request: Request, pk: int) -> BaseTarget:
    """A target that the user may see, as its reader knows it, or 404."""
    found = shown_targets(request).filter(pk=pk).first()
    if found is None:
        raise Http404
    show_targets([found], programs_of(request.user))
    return found


def shown_targets(request: Request) -> QuerySet[BaseTarget]:
    """Targets that the user may see, with all that the API tells of them."""
    targets = visible_targets(request.user).select_related("summary")
    return targets.prefetch_related("aliases").order_by("-pk")


def visible_target(request: Request, pk: int) -> int:
    """Return the id where the user may see that target, else raise 404."""
    if not visible_targets(request.user).filter(pk=pk).exists():
        raise Http404
    return pk


def _in_cone(request: Request, targets: QuerySet[BaseTarget]) -> QuerySet[BaseTarget]:
    ra, dec = read_text(request, "ra"), read_text(request, "dec")
    radius = read_number(request, "radius_arcsec")
    if ra is None and dec is None and radius is None:
        return targets
    if ra is None or dec is None or radius is None:
        raise ValidationError({name: ["a cone takes all three"] for name in CONE})
    try:
        place, programs = read_place(f"ra={ra} dec={dec}"), programs_of(request.user)
        return find_in_cone(targets, programs, ra=place.ra, dec=place.dec, radius_arcsec=radius)
    except ValueError as error:
        raise ValidationError({"detail": str(error)}) from error


def _tell_point(row: dict[str, Any], peaks: Collection[PointName]) -> dict[str, Any]:
    told = magnitude_of(flux=row["flux"], flux_error=row["flux_error"])
    return {
        **{name: row[name] for name in POINT_COLUMNS[:7]},
        "magnitude": told.magnitude,
        "magnitude_error": told.error,
        "limit": told.limit,
        "at_peak": row["kind"] == PointKind.ALERT and (row["survey"], row["key"]) in peaks,
        "program": row["program__name"],
        "public": row["program__public"],
    }
