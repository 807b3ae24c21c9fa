"""What the API answers where it has no route: JSON, as everywhere in it."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response


@extend_schema(exclude=True)
@api_view(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def missing(request: Request, rest: str) -> Response:
    """Say that there is no such route."""
    raise Http404
