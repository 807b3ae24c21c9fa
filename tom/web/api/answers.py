"""Where a gateway hands in answers to alarms: it is not logged in, it signs."""

from typing import Any, Final

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from tom.reports.alarms.answering import (
    LONGEST_BODY,
    AnswerError,
    HandedInError,
    NoAlarmError,
    NotSignedError,
    UnknownSenderError,
    UnreadableAnswerError,
    take_answer,
)

STATUSES: Final[dict[type[AnswerError], int]] = {
    NotSignedError: status.HTTP_401_UNAUTHORIZED,
    UnknownSenderError: status.HTTP_403_FORBIDDEN,
    NoAlarmError: status.HTTP_404_NOT_FOUND,
    HandedInError: status.HTTP_409_CONFLICT,
    UnreadableAnswerError: status.HTTP_422_UNPROCESSABLE_ENTITY,
}


class AnswerThrottle(SimpleRateThrottle):
    """Each address may hand in so much at each channel: who guesses stops no gateway."""

    rate = "30/min"
    scope = "answers"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"answers:{view.kwargs['pk']}:{self.get_ident(request)}"


class HandIn(APIView):
    """Take an answer that a gateway signs, as if its sender had answered on the page."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (AnswerThrottle,)
    http_method_names = ("post",)

    @extend_schema(
        request=dict[str, str],
        responses={200: dict[str, Any]},
        parameters=[
            OpenApiParameter(name, str, OpenApiParameter.HEADER, required=True)
            for name in ("X-Answer-Time", "X-Answer-Signature")
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        try:
            body: bytes = request.body
        except ValueError:  # Django's, of a length that is no number
            body = b""
        if len(body) > LONGEST_BODY:
            told = {"detail": f"An answer has at most {LONGEST_BODY} bytes."}
            return Response(told, status=status.HTTP_413_REQUEST_ENTITY_TOO_LARGE)
        headers = request.headers
        try:
            answer = take_answer(
                pk,
                body,
                stamp=headers.get("X-Answer-Time", ""),
                signature=headers.get("X-Answer-Signature", ""),
                now=timezone.now(),
            )
        except AnswerError as error:
            return Response({"detail": str(error)}, status=STATUSES[type(error)])
        who, title = answer.by.get_username(), answer.alarm.title
        said = f"{title}: {who} answers." if answer.is_first else f"{title}: answered before."
        return Response({"detail": said, "alarm": answer.alarm.pk, "is_first": answer.is_first})
