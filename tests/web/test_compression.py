"""Pages are compressed; streams of changes and pictures are not."""

import gzip

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory

from tests import factories
from tom.web.middleware import CompressionMiddleware


@pytest.mark.django_db
def test_a_page_is_compressed_for_who_takes_it(client: Client) -> None:
    client.force_login(factories.make_user())

    answer = client.get("/", headers={"accept-encoding": "gzip"})

    assert answer.headers["Content-Encoding"] == "gzip"
    assert b"<h1>Tonight</h1>" in gzip.decompress(answer.content)
    assert "Content-Encoding" not in client.get("/").headers


@pytest.mark.parametrize(
    "answer",
    [
        StreamingHttpResponse(["data\n" * 500], content_type="text/event-stream"),
        HttpResponse(b"x" * 5000, content_type="image/png"),
    ],
    ids=["stream", "picture"],
)
def test_streams_and_pictures_leave_as_they_are(answer) -> None:
    request = RequestFactory().get("/", headers={"accept-encoding": "gzip"})

    assert "Content-Encoding" not in CompressionMiddleware(lambda _: answer)(request).headers
