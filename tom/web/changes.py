"""Tell open pages of changes: server-sent events from their table, one poller a process."""

import asyncio
import contextlib
import contextvars
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.contrib.auth.models import (
    AbstractBaseUser,
    AnonymousUser,
    PermissionsMixin,
    User,
)
from django.contrib.sessions.models import Session
from django.db import DatabaseError, InterfaceError, connections
from django.db.models import Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from tom.changes.models import Change, Topic
from tom.followup.models import ObservationRequest
from tom.kept_queries import kept_query
from tom.shifts.visits import note_visit
from tom.targets.visible import visible_targets
from tom.web.keys import read_pk
from tom.web.permissions import VIEW_MESSAGES
from tom.web.turns import TooLongError, web_turns

logger = logging.getLogger(__name__)
T = TypeVar("T")

TICK_SECONDS = 0.4
# What comes in floods is told at most this often on one connection; the last is always told.
CALM_SECONDS = 2.0
PROMPT = {Topic.REQUEST, Topic.NOTIFICATION, Topic.CLAIM}
KEEP_ALIVE_SECONDS = 15.0
# A stream ends after this, and the browser opens it again: so rights are looked at again.
LIFE_SECONDS = 120.0
# Every so often it is looked whose session has ended, all of them at once.
SESSIONS_SECONDS = 5.0
# A row can show up later than its successors, since its transaction ended later.
STRAGGLER_SECONDS = 60.0
# What was written so shortly before the place of a reader who comes back is told once more: its
# transaction may have ended later, or while the page was made.
OVERLAP_SECONDS = 10.0
MOST_AT_ONCE = 1000
MOST_QUEUED = 5000


@dataclass(eq=False)
class Listener:
    """A stream: what it is still to be handed, and by what right it is open."""

    user: AbstractBaseUser | AnonymousUser
    session_key: str = ""
    queue: "asyncio.Queue[Change]" = field(default_factory=lambda: asyncio.Queue(MOST_QUEUED))
    ended: bool = False


@dataclass
class Poller:
    """Reads the table for all streams of this process, as long as there are any."""

    clock: Callable[[], float] = time.monotonic
    listeners: set[Listener] = field(default_factory=set)
    task: "asyncio.Task[None] | None" = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @contextlib.asynccontextmanager
    async def listen(self, listener: Listener) -> AsyncIterator[Listener]:
        """Hand the listener what happens from now on."""
        self.listeners.add(listener)
        try:
            async with self.lock:
                if self.task is None or self.task.done():
                    settled = await _settled_id()
                    known = await _read_after(settled, ())
                    await _close_connections()  # of the reader who happens to start it
                    # A context of its own: it must outlive the request that happens to start it.
                    self.task = asyncio.get_running_loop().create_task(
                        self._poll(settled, known), context=contextvars.Context()
                    )
            yield listener
        finally:
            self.listeners.discard(listener)

    async def _poll(self, newest: int, known: Iterable[Change]) -> None:
        """Hand out the rows after `newest` that are not known, until nobody listens."""
        seen = dict.fromkeys((item.id for item in known), self.clock())
        looked = self.clock()
        while self.listeners:
            try:
                found = await _read_after(newest, seen)
                if self.clock() - looked >= SESSIONS_SECONDS:
                    await _end_without_right(list(self.listeners))
                    looked = self.clock()
            except (DatabaseError, InterfaceError):
                logger.exception("the table of changes cannot be read; trying again")
                await _close_connections()
                await asyncio.sleep(2)
                continue
            now = self.clock()
            seen.update((item.id, now) for item in found)
            old = [pk for pk, when in seen.items() if now - when > STRAGGLER_SECONDS]
            newest = max([newest, *old])
            for pk in old:
                del seen[pk]
            self._hand_out(found)
            await asyncio.sleep(TICK_SECONDS)
        # From here on a new listener needs a new poller.
        self.task = None
        await _close_connections()

    def _hand_out(self, found: Iterable[Change]) -> None:
        for item in found:
            for listener in list(self.listeners):
                # A reader this far behind fetches whole pages anyhow.
                with contextlib.suppress(asyncio.QueueFull):
                    listener.queue.put_nowait(item)


_pollers: dict[asyncio.AbstractEventLoop, Poller] = {}


def poller() -> Poller:
    """Return the poller of the running event loop."""
    loop = asyncio.get_running_loop()
    for ended in [other for other in _pollers if other.is_closed()]:
        del _pollers[ended]
    return _pollers.setdefault(loop, Poller())


@require_safe
async def changes(request: HttpRequest) -> StreamingHttpResponse:
    """Stream the changes to everybody who is logged in."""
    user = await request.auser()
    # The page says where it stood when it was made; the browser, what it heard last.
    after = read_pk(request.headers.get("Last-Event-ID") or request.GET.get("after", ""))
    # A browser that opens the connection again says what it heard last: nobody opened a page.
    if "Last-Event-ID" not in request.headers and isinstance(user, User):
        await sync_to_async(note_visit)(user, now=timezone.now())
    # The middleware used this request's own connection: it is not kept for the stream's life.
    await _close_connections()
    listener = Listener(user, request.session.session_key or "")
    response = StreamingHttpResponse(stream(listener, after), content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-cache, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def stream(listener: Listener, after: int | None) -> AsyncIterator[str]:
    """Yield server-sent events for one person, first what was missed since `after`."""
    with contextlib.suppress(TooLongError):  # the stream ends; the browser opens it again
        async for text in _stream(listener, after):
            yield text


async def _stream(listener: Listener, after: int | None) -> AsyncIterator[str]:
    ends = time.monotonic() + LIFE_SECONDS
    async with poller().listen(listener):
        reader = Reader(
            listener.user,
            may_see_messages=await _in_turn(_may_see_messages, listener.user),
            heard=await _in_turn(newest_id) if after is None else after,
        )
        yield f"retry: 2000\n{reader.place()}"
        if after is not None:
            reader.add(await _in_turn(_read_missed, after))
        spoke = time.monotonic()
        while time.monotonic() < ends and not listener.ended:
            reader.add(await _next_batch(listener.queue))
            text = await reader.tell(time.monotonic())
            if not text and time.monotonic() - spoke > KEEP_ALIVE_SECONDS:
                text = f": keep-alive\n{reader.place()}"
            if text:
                spoke = time.monotonic()
                yield text


@dataclass
class Reader:
    """What one person is still to be told, each row once however often it changed."""

    user: AbstractBaseUser | AnonymousUser
    may_see_messages: bool
    # The highest row that was looked at.
    heard: int = 0
    pending: dict[tuple[str, str], Change] = field(default_factory=dict)
    told: dict[tuple[str, str], float] = field(default_factory=dict)

    def add(self, found: Iterable[Change]) -> None:
        """Note what concerns this person."""
        for item in found:
            self.heard = max(self.heard, item.id)
            if self._concerns(item):
                self.pending[_name(item)] = item

    async def tell(self, now: float) -> str:
        """Return what is due as the text of server-sent events."""
        due = [item for name, item in self.pending.items() if self._is_due(name, now)]
        for item in due:
            del self.pending[_name(item)]
            self.told[_name(item)] = now
        hidden = await self._hidden(due)
        shown = [item for item in due if _name(item) not in hidden]
        text = "".join(_write(item) for item in sorted(shown, key=lambda item: item.id))
        return text and text + self.place()

    async def _hidden(self, due: Iterable[Change]) -> set[tuple[str, str]]:
        """Name the requests, and the claims of targets, that this person may not see."""
        hidden: set[tuple[str, str]] = set()
        for topic, visible in ((Topic.REQUEST, _visible_requests), (Topic.CLAIM, _visible_claims)):
            keys = {item.key for item in due if item.topic == topic}
            seen = await _in_turn(visible, self.user, keys) if keys else set()
            hidden |= {(topic, key) for key in keys - seen}
        return hidden

    def place(self) -> str:
        """Say from where to go on after a cut: what is still pending comes after it."""
        first = min((item.id for item in self.pending.values()), default=self.heard + 1)
        return f"id: {first - 1}\n\n"

    def _concerns(self, item: Change) -> bool:
        if item.user_id is not None and item.user_id != self.user.pk:
            return False
        return item.topic != Topic.MESSAGE or self.may_see_messages

    def _is_due(self, name: tuple[str, str], now: float) -> bool:
        return name[0] in PROMPT or now - self.told.get(name, 0.0) >= CALM_SECONDS


def _name(item: Change) -> tuple[str, str]:
    """What is told at most once in a while: a row; of the messages, which flood, all together."""
    return item.topic, "" if item.topic == Topic.MESSAGE else item.key


def _write(item: Change) -> str:
    """One event named by its topic, and one by topic and row for parts that wait for it."""
    key = item.key if item.key.isprintable() else ""
    text = f"event: {item.topic}\ndata: {key}\n\n"
    return text + f"event: {item.topic}:{key}\ndata: {key}\n\n" if key else text


async def _next_batch(queue: "asyncio.Queue[Change]") -> list[Change]:
    """Wait a moment for the first, then take all that is there."""
    found: list[Change] = []
    with contextlib.suppress(TimeoutError):
        found.append(await asyncio.wait_for(queue.get(), TICK_SECONDS))
    while not queue.empty():
        found.append(queue.get_nowait())
    return found


_close_connections = sync_to_async(connections.close_all)


async def _in_turn(read: Callable[..., T], *args: Any) -> T:
    """Read from the database when it is this stream's turn; no connection is kept."""

    def read_and_close() -> T:
        try:
            return read(*args)
        finally:
            connections.close_all()

    async with web_turns().take():
        return await sync_to_async(read_and_close)()


def newest_id() -> int:
    """The newest row of the table, 0 where there is none."""
    return next(iter(_newest()), 0)


@kept_query
def _newest() -> QuerySet[Change, Any]:
    return Change.objects.order_by("-pk").values_list("pk", flat=True)[:1]


@sync_to_async
def _settled_id() -> int:
    """The newest row that no straggler comes before."""
    settled = timezone.now() - timedelta(seconds=STRAGGLER_SECONDS)
    rows = Change.objects.filter(created__lt=settled).order_by("-pk")
    return rows.values_list("pk", flat=True).first() or 0


def _read_missed(after: int) -> list[Change]:
    """Read what a reader who stood at `after` may not have been told, the newest of it."""
    stood = Change.objects.filter(pk__lte=after).order_by("-pk").first()
    missed = Q(pk__gt=after)
    if stood is not None:
        missed |= Q(created__gt=stood.created - timedelta(seconds=OVERLAP_SECONDS))
    rows = Change.objects.filter(missed).order_by("-pk")[:MOST_AT_ONCE]
    return list(reversed(rows))


@sync_to_async
def _read_after(newest: int, seen: Collection[int]) -> list[Change]:
    ids = Change.objects.filter(pk__gt=newest).order_by("-pk")
    fresh = [pk for pk in ids.values_list("pk", flat=True)[:MOST_AT_ONCE] if pk not in seen]
    rows = Change.objects.filter(pk__in=fresh).order_by("pk") if fresh else []
    return list(rows)


@sync_to_async
def _end_without_right(listeners: Collection[Listener]) -> None:
    """End the streams of people who logged out, or whose password, standing or session changed."""
    keys = {listener.session_key for listener in listeners}
    sessions = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    open_sessions = set(sessions.values_list("session_key", flat=True))
    people = User.objects.filter(pk__in={listener.user.pk for listener in listeners})
    passwords = dict(people.filter(is_active=True).values_list("pk", "password"))
    for listener in listeners:
        same = passwords.get(listener.user.pk or 0) == getattr(listener.user, "password", None)
        listener.ended = not same or listener.session_key not in open_sessions


def _may_see_messages(user: AbstractBaseUser | AnonymousUser) -> bool:
    return isinstance(user, PermissionsMixin) and user.has_perm(VIEW_MESSAGES)


def _visible_requests(user: AbstractBaseUser | AnonymousUser, keys: Collection[str]) -> set[str]:
    numbers = [int(key) for key in keys if key.isdecimal()]
    rows = ObservationRequest.objects.visible_to(user).filter(pk__in=numbers)
    return {str(pk) for pk in rows.values_list("pk", flat=True)}


def _visible_claims(user: AbstractBaseUser | AnonymousUser, keys: Collection[str]) -> set[str]:
    numbers = [int(key) for key in keys if key.isdecimal()]
    rows = visible_targets(user).filter(pk__in=numbers)
    return {str(pk) for pk in rows.values_list("pk", flat=True)}
