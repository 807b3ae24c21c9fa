"""Other names of targets."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import api_view, permission_classes
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from tom.targets.same import BadNameError, give_name
from tom.web.api.access import MayNameTargets
from tom.web.api.targets import TargetSerializer, shown_targets


class NameSerializer(serializers.Serializer[dict[str, str]]):
    """A name to give, say AT2017gfo."""

    name = serializers.CharField(max_length=100)


@extend_schema(request=NameSerializer, responses={201: TargetSerializer})
@api_view(["POST"])
@permission_classes([IsAuthenticated, MayNameTargets])
def name_target(request: Request, pk: int) -> Response:
    """Give a target another name."""
    target = get_object_or_404(shown_targets(request), pk=pk)
    given = NameSerializer(data=request.data)
    given.is_valid(raise_exception=True)
    try:
        give_name(target, given.validated_data["name"])
    except BadNameError as error:
        raise ValidationError({"name": [str(error)]}) from error
    shown = shown_targets(request).get(pk=pk)
    return Response(TargetSerializer(shown).data, status=status.HTTP_201_CREATED)
