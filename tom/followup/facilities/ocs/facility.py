"""The OCS Observation Portal, as LCO, SOAR and the Blanco use it.

https://observation-portal.lco.global/ and https://developers.lco.global/
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tom.followup.facilities.contract import (
    Body,
    Capabilities,
    Instrument,
    Listing,
    Observed,
    Progress,
    Remote,
    RemoteChanges,
    Sent,
    Tools,
)
from tom.followup.facilities.limits import check_fields, check_limits, find_instrument
from tom.followup.facilities.ocs.answers import read_group, read_observation
from tom.followup.facilities.ocs.body import write_body, write_fields_body
from tom.followup.facilities.ocs.calls import PortalAccess, PortalCalls, answered_at
from tom.followup.facilities.ocs.instruments import FacilityCard
from tom.followup.facilities.ocs.listing import listed_instruments, read_listing
from tom.followup.field_spec import FieldsSpec
from tom.followup.spec import Aim, ObservationSpec
from tom.outbox.errors import (
    LookUpFailedError,
    NothingSentError,
    RejectedError,
    UnknownOutcomeError,
)

PAGE_SIZE = 100
MOST_PAGES = 50
# A portal writes the state of a request and then the state of its group. Its clock gives whole
# seconds. So each bulk question begins this much before the end of the last one.
OVERLAP = timedelta(seconds=60)


# The portal names no limit of requests in a group; it looks for each when it can be observed, which
# takes its time. With so many it answers well within the time that we wait.
MOST_FIELDS = 50
CAPABILITIES = Capabilities(
    has_key=True, cancels=True, lists_instruments=True, most_targets=10, most_fields=MOST_FIELDS
)


@dataclass
class _Told:
    """A portal's answers about the requests that were sent to it."""

    sent: Sequence[Sent]
    answered: list[datetime] = field(default_factory=list)
    unread: str = ""

    def __post_init__(self) -> None:
        # An open request that did not change is still pending there.
        self.remotes = {
            each.id: Remote(each.id, "", "PENDING", Progress.PENDING)
            for each in self.sent
            if each.is_open
        }

    def leave_out(self, group: Any, why: str) -> None:
        """Leave out the request with an unreadable group's id or name; keep the reason `why`."""
        self.unread = why
        said = group if isinstance(group, Mapping) else {}
        for each in self.sent:
            if each.id == str(said.get("id"))[:100] or each.body.get("name") == said.get("name"):
                self.remotes.pop(each.id, None)


class PortalFacility:
    """One facility behind a portal."""

    capabilities = CAPABILITIES
    spec = ObservationSpec

    def __init__(self, card: FacilityCard, access: PortalAccess, tools: Tools) -> None:
        self.name = card.name
        self.label = card.label if access.is_real else f"{card.label} (practice portal)"
        self.is_real = access.is_real
        self.address = access.address
        self.poll_seconds = access.poll_seconds
        self._card = card
        self._proposal = access.proposal
        self._calls = PortalCalls(access, tools.record)
        self._listing = tools.listing

    def instruments(self) -> Sequence[Instrument]:
        return listed_instruments(self._card, self._listing(self.name))

    def list_instruments(self) -> Listing:
        with _look_up():
            return read_listing(self._calls.get("instruments/").json, self._card)

    def build(self, spec: ObservationSpec, *, instrument: str, aim: Aim, key: str) -> Body:
        found = find_instrument(self.instruments(), instrument)
        check_limits(spec, found, now=datetime.now(UTC), most_targets=CAPABILITIES.most_targets)
        return write_body(
            spec,
            found,
            words=self._card.words[instrument],
            aims=spec.aims(aim),
            key=key,
            proposal=self._proposal,
        )

    def build_fields(self, spec: FieldsSpec, *, instrument: str, key: str) -> Body:
        found = find_instrument(self.instruments(), instrument)
        check_fields(spec, found, now=datetime.now(UTC), most_fields=MOST_FIELDS)
        return write_fields_body(
            spec, found, words=self._card.words[instrument], key=key, proposal=self._proposal
        )

    def submit(self, body: Body, *, key: str) -> Remote:
        answer = self._calls.post("requestgroups/", body)
        remote = self._read(answer.json)
        if remote.key != key:
            msg = f"The portal answered with another name: {self._calls.hide(remote.key[:200])!r}"
            raise UnknownOutcomeError(msg)
        return remote

    def find(self, key: str) -> Sequence[Remote]:
        # Search by the key only: the proposal in the settings may have changed since it was sent.
        with _look_up():
            groups = self._pages("requestgroups/", {"name": key})
            found = [self._read(group) for group in groups if group["name"] == key]
        return found[::-1]  # the portal lists the newest first

    def status(self, remote_id: str) -> Remote:
        with _look_up():
            remote = self._read_one(remote_id, self._calls.get(f"requestgroups/{remote_id}/").json)
            scheduled = self._scheduled({"request_group_id": remote_id})
        return _with_schedule(remote, scheduled)

    def changes(self, since: datetime | None, *, sent: Sequence[Sent]) -> RemoteChanges:
        still_open = [each for each in sent if each.is_open]
        told = _Told(sent)
        scheduled: dict[str, Progress] = {}
        with _look_up():
            for proposal in _proposals(sent):
                asked = _changed_since(since, proposal)
                first = self._calls.get("requestgroups/", _page(asked, 0))
                told.answered.append(answered_at(first))
                for group in self._pages("requestgroups/", asked, first.json):
                    self._hear(group, told)
            for proposal in _proposals(still_open):
                scheduled |= self._scheduled({"proposal": proposal})
        read_until = told.answered[0] - OVERLAP if told.answered and not told.unread else since
        remotes = [_with_schedule(remote, scheduled) for remote in told.remotes.values()]
        return RemoteChanges(remotes, read_until=read_until, unread=told.unread)

    def observed(self, remote_id: str) -> Sequence[Observed]:
        asked = {"request_group_id": remote_id, "state": "COMPLETED"}
        with _look_up():
            return [
                each
                for observation in self._pages("observations/", asked)
                for each in read_observation(observation)
            ]

    def cancel(self, remote_id: str) -> Remote:
        return self._read_one(
            remote_id, self._calls.post(f"requestgroups/{remote_id}/cancel/").json
        )

    def _hear(self, group: Any, told: "_Told") -> None:
        """Add one group's state; leave out a group that cannot be read, and keep the reason."""
        try:
            remote = self._read(group)
        except UnknownOutcomeError as error:
            told.leave_out(group, str(error))
        else:
            told.remotes[remote.id] = remote

    def _read(self, group: Any) -> Remote:
        return read_group(group, hide=self._calls.hide)

    def _read_one(self, remote_id: str, group: Any) -> Remote:
        remote = self._read(group)
        if remote.id != remote_id:
            msg = f"The portal answered about another request group: {remote.id}"
            raise UnknownOutcomeError(msg)
        return remote

    def _scheduled(self, which: Mapping[str, str | list[str]]) -> dict[str, Progress]:
        """Return the progress of each request group with a planned or running observation."""
        asked = {**which, "state": ["PENDING", "IN_PROGRESS"]}
        found: dict[str, Progress] = {}
        for observation in self._pages("observations/", asked):
            group = str(observation["request_group_id"])
            running = observation["state"] == "IN_PROGRESS"
            if running or group not in found:
                found[group] = Progress.IN_PROGRESS if running else Progress.SCHEDULED
        return found

    def _pages(
        self, path: str, asked: Mapping[str, str | list[str]], first: Any = None
    ) -> Iterator[Any]:
        for number in range(MOST_PAGES):
            page = (
                first if first and not number else self._calls.get(path, _page(asked, number)).json
            )
            yield from _results(page)
            if not page.get("next"):
                return
        msg = f"more than {MOST_PAGES} pages"
        raise LookUpFailedError(msg)


def _proposals(sent: Sequence[Sent]) -> list[str]:
    """Return the proposals of these requests; the one in the settings may have changed since."""
    return sorted({str(each.body["proposal"]) for each in sent})


def _changed_since(since: datetime | None, proposal: str) -> dict[str, str | list[str]]:
    asked: dict[str, str | list[str]] = {"proposal": proposal}
    if since is not None:
        asked["modified_after"] = since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return asked


def _page(asked: Mapping[str, str | list[str]], number: int) -> dict[str, str | list[str]]:
    return {**asked, "limit": str(PAGE_SIZE), "offset": str(number * PAGE_SIZE)}


@contextmanager
def _look_up() -> Iterator[None]:
    """Raise LookUpFailedError if the portal cannot be asked or its answer cannot be read."""
    try:
        yield
    except (NothingSentError, RejectedError, UnknownOutcomeError) as error:
        raise LookUpFailedError(str(error)) from error
    except (KeyError, TypeError) as error:
        msg = f"The portal's answer is not understood: {error!r}"
        raise LookUpFailedError(msg) from error


def _results(page: Any) -> list[Any]:
    """Return the rows of a page.

    Raises
    ------
    TypeError
        If the page has no list, or its first page is empty although it counts some rows.
    """
    results = page["results"]
    if not isinstance(results, list) or (
        not results and page.get("count") and not page.get("previous")
    ):
        msg = "something else than a list"
        raise TypeError(msg)
    return results


def _with_schedule(remote: Remote, scheduled: Mapping[str, Progress]) -> Remote:
    if remote.progress is not Progress.PENDING or remote.id not in scheduled:
        return remote
    return Remote(remote.id, remote.key, remote.state, scheduled[remote.id])
