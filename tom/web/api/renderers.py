"""JSON as the standard has it: what is not a number is null."""

import math
from collections.abc import Mapping

from rest_framework.renderers import JSONRenderer


class FiniteJSONRenderer(JSONRenderer):
    """Write NaN and infinity, which JSON does not know, as null."""

    def render(
        self,
        data: object,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, object] | None = None,
    ) -> bytes:
        return super().render(finite(data), accepted_media_type, renderer_context)


def finite(data: object) -> object:
    """Return `data` with every float that is not finite replaced by None."""
    match data:
        case float():
            return data if math.isfinite(data) else None
        case Mapping():
            return {key: finite(value) for key, value in data.items()}
        case list() | tuple():
            return [finite(value) for value in data]
        case _:
            return data
