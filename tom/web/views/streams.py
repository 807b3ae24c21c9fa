"""The streams: what each does, and the forms that add, change, test, start and stop one."""

import logging
import secrets
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.pipeline import nudge, try_stream
from tom.streams.models import Credential, Stream, StreamHealth
from tom.streams.trying import ask_for_test
from tom.targets.stream_programs import follow_stream
from tom.web.people import person
from tom.web.permissions import MANAGE_STREAMS, VIEW_STREAMS
from tom.web.pubsub_form import read_account
from tom.web.refusals import needs
from tom.web.stream_form import (
    EVERYBODY,
    NEW_SECRET,
    SECRET,
    TLS,
    StreamForm,
    blank_form,
    fill_credential,
    form_of,
    read_stream_form,
)
from tom.web.streams import (
    may_change,
    may_use,
    own_credential,
    read_figures,
    usable_credentials,
)
from tom.web.team.groups import groups_to_choose

logger = logging.getLogger(__name__)

NOT_YOURS = "It belongs to a group that you are not in: ask somebody of that group."
# A test that has not ended by then was taken by no worker.
TEST_SECONDS = 25


@require_safe
@needs(VIEW_STREAMS)
def stream_list(request: HttpRequest) -> HttpResponse:
    """Every stream with what its topics do; or the one part that follows it."""
    user = person(request)
    context: dict[str, Any] = {"streams": read_figures(user)}
    if request.GET.get("part") == "streams":
        return render(request, "streams/_streams.html", context)
    if user.has_perm(MANAGE_STREAMS):
        context["credentials"] = [
            (row, list(row.streams.all()))
            for row in Credential.objects.filter(
                pk__in=[row.pk for row in usable_credentials(user)]
            )
            .select_related("group")
            .prefetch_related("streams")
            .defer("secret")
        ]
    return render(request, "streams/list.html", context)


# --- A stream ---------------------------------------------------------------------------------
@sensitive_post_parameters(SECRET)
@require_http_methods(["GET", "HEAD", "POST"])
@needs(MANAGE_STREAMS)
def stream_new(request: HttpRequest) -> HttpResponse:
    """Add a stream; it is read once it is started."""
    user = person(request)
    given = usable_credentials(user), groups_to_choose(user)
    if request.method != "POST":
        return render(request, "streams/new.html", {"form": blank_form(*given)})
    form = read_stream_form(request.POST, *given)
    stream = None if form.errors else _save(form, Stream(), by=user)
    if stream is None:
        return render(request, "streams/new.html", {"form": form}, status=422)
    return _go_on(request, stream)


@sensitive_post_parameters(SECRET, NEW_SECRET)
@require_http_methods(["GET", "HEAD", "POST"])
@needs(MANAGE_STREAMS)
def stream_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One stream: its form, and what the newest test of its connection found."""
    user = person(request)
    stream = get_object_or_404(Stream.objects.entered().with_credentials(), pk=pk)
    context = {"stream": stream, "test": _test_of(stream)}
    if request.GET.get("part") == "test":
        return render(request, "streams/_test.html", context)
    if not may_change(user, stream):
        messages.error(request, NOT_YOURS)
        return redirect("stream_list")
    given, own = (usable_credentials(user), groups_to_choose(user)), own_credential(stream)
    if request.method != "POST":
        form = form_of(stream, *given, own=own)
        return render(request, "streams/stream.html", context | {"form": form})
    form = read_stream_form(request.POST, *given, own=own)
    if form.errors or _save(form, stream, by=user) is None:
        return render(request, "streams/stream.html", context | {"form": form}, status=422)
    return _go_on(request, stream)


def _go_on(request: HttpRequest, stream: Stream) -> HttpResponse:
    """Do what the button that saved the form says besides."""
    wanted = request.POST.get("do", "")
    if wanted == "start":
        _switch(stream, active=True)
        messages.success(request, f"{stream.name} is saved and started.")
        return redirect("stream_list")
    if wanted == "test":
        _test(stream)
    else:
        messages.success(request, f"{stream.name} is saved.")
    return redirect("stream", stream.pk)


def change(do: Callable[[HttpRequest, Stream], HttpResponse]) -> Callable[..., HttpResponse]:
    """Make a view that changes one stream, if that is the caller's to do."""
    return _change(do, Stream.objects.entered().with_credentials)


def change_filter(do: Callable[[HttpRequest, Stream], HttpResponse]) -> Callable[..., HttpResponse]:
    """Make a view that changes the filter of a stream, one that STREAMS names as well."""
    return _change(do, Stream.objects.with_credentials)


def _change(
    do: Callable[[HttpRequest, Stream], HttpResponse], rows: Callable[[], QuerySet[Stream]]
) -> Callable[..., HttpResponse]:
    @wraps(do)
    @require_POST
    @needs(MANAGE_STREAMS)
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        stream = get_object_or_404(rows(), pk=pk)
        if not may_change(person(request), stream):
            messages.error(request, NOT_YOURS)
            return redirect("stream_list")
        return do(request, stream)

    return view


@change
def start(request: HttpRequest, stream: Stream) -> HttpResponse:
    """Have a stream read."""
    _switch(stream, active=True)
    messages.success(request, f"{stream.name} is started.")
    return redirect("stream_list")


@change
def stop(request: HttpRequest, stream: Stream) -> HttpResponse:
    """Have a stream read no longer."""
    _switch(stream, active=False)
    messages.success(request, f"{stream.name} is stopped. Its place in the topics is kept.")
    return redirect("stream_list")


@change
def test(request: HttpRequest, stream: Stream) -> HttpResponse:
    """Test a stream's connection."""
    _test(stream)
    return redirect("stream", stream.pk)


@change
def delete(request: HttpRequest, stream: Stream) -> HttpResponse:
    """Delete a stream, and its credential if that is wanted; what came by it stays."""
    own = own_credential(stream) if request.POST.get("credential") == "delete" else None
    stream.delete()
    said = f"{stream.name} is deleted."
    if own is not None and _is_deleted(own):
        said = f"{stream.name} is deleted with its credential, {own.name}."
    publish(Topic.STREAM)
    messages.success(request, f"{said} What came by it stays.")
    return redirect("stream_list")


def _is_deleted(credential: Credential) -> bool:
    """Delete a credential; False: somebody gave it to a stream meanwhile, and it stays."""
    try:
        credential.delete()
    except ProtectedError:
        return False
    return True


def _switch(stream: Stream, *, active: bool) -> None:
    stream.active = active
    stream.save(update_fields=["active", "changed"])
    publish(Topic.STREAM)


def _test(stream: Stream) -> None:
    wanted = ask_for_test(stream)
    transaction.on_commit(partial(nudge, try_stream, wanted.pk))


def _test_of(stream: Stream) -> dict[str, Any] | None:
    """The newest test for its page: whether it runs, is lost, or what it found."""
    row = getattr(stream, "test", None)
    if row is None:
        return None
    waited = (timezone.now() - row.asked).total_seconds()
    runs = row.finished is None and waited < TEST_SECONDS
    return {"row": row, "runs": runs, "is_lost": row.finished is None and not runs}


def _save(form: StreamForm, stream: Stream, *, by: User) -> Stream | None:
    """Store a stream and its new credential; None if a name is taken."""
    values = form.values
    stream.name, stream.kind = values["name"], values["kind"]
    stream.address, stream.tls = values["address"], values["tls"] == TLS
    stream.topics, stream.authority = form.topics, values["authority"]
    stream.packet_days, stream.group = form.packet_days, form.readers
    try:
        with transaction.atomic():
            stream.credential = form.credential or _keep_new(form)
            if form.credential is not None and form.is_renewed:
                form.credential.save(update_fields=["secret", "username", "changed"])
            stream.consumer_group = values["consumer_group"] or _usual_group(stream)
            stream.save()
            follow_stream(stream)
            publish(Topic.STREAM)
    except IntegrityError:
        form.refuse("name", "There is a stream of this name.")
        return None
    logger.info("A stream was saved", extra={"stream": stream.pk, "by": by.pk})
    return stream


def _keep_new(form: StreamForm) -> Credential | None:
    if form.made is not None:
        form.made.name = _free_name(f"{form.made.username[:60]} at {form.host}"[:90])
        form.made.save()
    return form.made


def _free_name(name: str) -> str:
    taken = set(Credential.objects.filter(name__startswith=name).values_list("name", flat=True))
    numbered = (f"{name} ({number})" for number in range(2, len(taken) + 3))
    return next(each for each in (name, *numbered) if each not in taken)


def _usual_group(stream: Stream) -> str:
    """A group of our own: where everybody reads without a name, others would share it."""
    ours = f"counterpart-{secrets.token_hex(4)}"
    return f"{stream.credential.username}-{ours}"[:200] if stream.credential else ours


@require_POST
@needs(MANAGE_STREAMS)
def notice_clear(request: HttpRequest, pk: int) -> HttpResponse:
    """Take away the notice that messages of a topic were lost; their count stays."""
    row = get_object_or_404(StreamHealth, pk=pk)
    StreamHealth.objects.filter(pk=row.pk).update(notice="", noticed=None)
    publish(Topic.STREAM)
    logger.info("A notice was cleared", extra={"health": row.pk, "by": request.user.pk})
    messages.success(request, f"The notice on {row.topic} is cleared.")
    return redirect("stream_list")


# --- A credential -----------------------------------------------------------------------------
@sensitive_post_parameters(SECRET)
@require_http_methods(["GET", "HEAD", "POST"])
@needs(MANAGE_STREAMS)
def credential_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a credential; its secret is never shown, and empty leaves it as it is."""
    user = person(request)
    row = get_object_or_404(Credential.objects.select_related("group").defer("secret"), pk=pk)
    if not may_use(user, row):
        messages.error(request, NOT_YOURS)
        return redirect("stream_list")
    form = blank_form([], groups_to_choose(user))
    names = ("mechanism", "username", "token_url")
    form.values |= {name: getattr(row, name) for name in names}
    form.values["group"] = str(row.group_id or EVERYBODY)
    if request.method == "POST":
        before = row.token_url
        form.values |= {key: request.POST.get(key, "").strip() for key in (*names, "group")}
        secret = request.POST.get(SECRET, "")
        fill_credential(form, row, secret, read_account(form, secret))
        if row.token_url not in {before, ""} and not secret:
            form.refuse(SECRET, "Enter the secret again: it goes to another token server now.")
        if not form.errors:
            row.save()
            publish(Topic.STREAM)
            messages.success(request, f"{row.name} is saved. Its streams log in again.")
            return redirect("stream_list")
    status = 422 if form.errors else 200
    context = {"form": form, "credential": row}
    return render(request, "streams/credential.html", context, status=status)


@require_POST
@needs(MANAGE_STREAMS)
def credential_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a credential that no stream uses."""
    row = get_object_or_404(Credential.objects.defer("secret"), pk=pk)
    if not may_use(person(request), row):
        messages.error(request, NOT_YOURS)
        return redirect("stream_list")
    if _is_deleted(row):
        messages.success(request, f"{row.name} is deleted.")
    else:
        messages.error(request, f"{row.name} is not deleted: a stream uses it.")
    return redirect("stream_list")
