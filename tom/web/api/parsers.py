"""JSON as it comes."""

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class ShallowJSONParser(JSONParser):
    """Refuse JSON that is nested too deep for Python, or whose texts no database stores."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        try:
            content = super().parse(stream, media_type, parser_context)
            json.dumps(content, ensure_ascii=False).encode()
        except RecursionError as error:
            said = "JSON nested too deep"
            raise ParseError(said) from error
        except UnicodeEncodeError as error:
            said = "a text with half of a character"
            raise ParseError(said) from error
        return content
