"""The API's own description."""

from typing import Any

from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request


class Schema(SpectacularJSONAPIView):
    """Tell the schema; it has one version, whatever a request names."""

    def _get_filename(self, request: Request, version: str) -> str:
        # Called by drf-spectacular, which puts what the request names into a header.
        return "counterpart.json"

    def _get_version_parameter(self, request: Request) -> Any:
        return None
