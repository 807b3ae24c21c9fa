"""What hands a request to Django."""

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponseBase

from tom.web.turns import CHANGES


class OneThreadHandler(ASGIHandler):
    """Django's handler, which works on a page in one thread from its beginning to its end.

    Django's own goes back to the event loop before a view and for each middleware that looks at
    one: some ten times a page. The stream of changes alone is a view of the event loop.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pages = BaseHandler()
        self._pages.load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        if request.path_info == CHANGES:
            return await super().get_response_async(request)
        return await sync_to_async(self._pages.get_response)(request)
