"""Other names of targets: give one, and take one back that a person gave."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from tom_targets.base_models import BaseTarget

from tom.targets.same import (
    BadNameError,
    NotFreeError,
    are_far_apart,
    degrees_apart,
    find_free,
    give_name,
    joining_radius_arcsec,
)
from tom.web.api.access import MayNameTargets
from tom.web.api.filters import read_text
from tom.web.api.parameters import takes
from tom.web.api.targets import TargetSerializer, shown_target, shown_targets
from tom.web.people import person
from tom.web.target_objects import given_names, others_named


class NameSerializer(serializers.Serializer[dict[str, Any]]):
    """A name to give, say AT2017gfo."""

    name = serializers.CharField(max_length=100)
    anyway = serializers.BooleanField(
        default=False, help_text="Give it also where a target that has it is far away"
    )


class FarSerializer(serializers.Serializer[BaseTarget]):
    """A target that has the name, and is too far away for the site to join both by itself."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    separation_arcsec = serializers.FloatField()
    radius_arcsec = serializers.FloatField(help_text="The site joins within this distance")


class FarAwaySerializer(serializers.Serializer[dict[str, Any]]):
    """Why a name is not given before it is confirmed."""

    detail = serializers.CharField()
    others = FarSerializer(many=True)


class TargetNames(APIView):
    """Give a target another name, or take one back that a person gave."""

    permission_classes = (IsAuthenticated, MayNameTargets)

    @extend_schema(
        request=NameSerializer, responses={201: TargetSerializer, 409: FarAwaySerializer}
    )
    def post(self, request: Request, pk: int) -> Response:
        return _give(request, shown_target(request, pk))

    @takes(OpenApiParameter("name", str, required=True, description="The name itself"))
    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        return _take_back(request, shown_target(request, pk))


def _give(request: Request, target: BaseTarget) -> Response:
    given = NameSerializer(data=request.data)
    given.is_valid(raise_exception=True)
    name, user = given.validated_data["name"], person(request)
    others = others_named(name, target, user)
    try:
        find_free(target, name)
        far = [other for other in others if are_far_apart(target, other)]
        if far and not given.validated_data["anyway"]:
            return _tell_far(target, far)
        give_name(target, name, by=user)
    except NotFreeError as error:
        who = ", ".join(f"{other.name} (target {other.pk})" for other in others)
        why = f"Another target has this name: {who}." if others else str(error)
        raise ValidationError({"name": [why]}) from error
    except BadNameError as error:
        raise ValidationError({"name": [str(error)]}) from error
    shown = shown_targets(request).get(pk=target.pk)
    return Response(TargetSerializer(shown).data, status=status.HTTP_201_CREATED)


def _tell_far(target: BaseTarget, far: list[BaseTarget]) -> Response:
    others = [
        {
            "id": other.pk,
            "name": other.name,
            "separation_arcsec": 3600 * (degrees_apart(target, other) or 0.0),
            "radius_arcsec": joining_radius_arcsec(target, other),
        }
        for other in far
    ]
    said = 'A target that has this name is far away. Send it again with "anyway": true to give it.'
    return Response({"detail": said, "others": others}, status=status.HTTP_409_CONFLICT)


def _take_back(request: Request, target: BaseTarget) -> Response:
    name = read_text(request, "name")
    if not name:
        raise ValidationError({"name": ["Say which name: ?name=AT2017gfo"]})
    given = given_names(target, person(request))
    alias = next((each for each in given if each.name == name), None)
    if alias is None:
        message = "The target has no such name that a person gave."
        raise NotFound(message)
    alias.delete()
    return Response(status=status.HTTP_204_NO_CONTENT)
