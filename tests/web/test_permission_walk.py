"""Nobody gets in where they don't belong: every route, by every method, as everybody.

The routes come from the resolver. Each stands in TABLE with who gets in by which method; a method
that the table does not name lets nobody in. A route without a line fails, as does a line without
a route. What is private is `SECRET`'s: no answer to a person who may not see it has that word.
"""

from datetime import timedelta
from http.cookies import SimpleCookie

import numpy as np
import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.utils import timezone
from tom_targets.models import TargetName

from tests.events.by_hand import say_by_hand
from tests.factories import (
    MERGER,
    make_admin,
    make_candidate,
    make_credential,
    make_event,
    make_group,
    make_message,
    make_observer,
    make_program,
    make_score,
    make_stream,
    make_target,
    make_user,
)
from tests.planning.plans import keep_plan
from tests.pointings.made import told
from tests.reports.alarms.conftest import make_contact, make_rule, make_shift
from tests.scoring.own_scorers import keep_onnx
from tests.web.routes import METHODS, Route, all_routes
from tom.candidates.models import ScanProfile
from tom.candidates.scanning import stop_at
from tom.changes.heartbeat import beat
from tom.demo.cutouts import to_fits
from tom.events.models import Circular, EventJoin
from tom.followup.models import ObservationRequest
from tom.forms.declared import Wanted
from tom.joining.services import join_targets
from tom.lookups.services import make_lookup
from tom.planning.models import Plan
from tom.pointings.footprints import compute_ranges, due_footprints
from tom.pointings.keeping import upload_pointings
from tom.pointings.models import PointingTable
from tom.ranking.basis import Basis
from tom.ranking.comparisons import ask_for_comparison, work_comparison
from tom.ranking.models import Listing
from tom.ranking.services import rank_list
from tom.reports.alarms.answer_channels import AnswerChannel
from tom.reports.alarms.answering import make_channel
from tom.reports.alarms.models import Alarm
from tom.reports.gcn.models import CircularDraft
from tom.reports.hermes.models import Report
from tom.reports.notifications.models import Notification
from tom.shifts.claims import claim_target
from tom.strategies.models import Strategy
from tom.strategies.versions import settings_of
from tom.streams.models import StreamHealth
from tom.targets.by_hand import program_of
from tom.targets.models import Cutout, PointUpload, Program, UploadedSpectrum
from tom.targets.withdrawals import withdraw
from tom.web.comments import add_comment
from tom.web.models import TeamChange
from tom.web.team import people as people_service
from tom.web.team import roles
from tom.web.team.invitations import make_invitation

SECRET = "hiddensupernova"
CHANGES = "changes"

# --- Who gets in ------------------------------------------------------------------------------
# What each of PEOPLE meets, in that order. `plain` has no rights, `stranger` is an observer who
# is not of the group that owns what is private, `member` is one who is.
PEOPLE = ("anonymous", "plain", "stranger", "member", "admin")
Access = tuple[str, str, str, str, str]
EVERYBODY: Access = ("in", "in", "in", "in", "in")
ENTRANCE: Access = ("login", "in", "in", "in", "in")  # sends on: to log in, or back in
USER: Access = ("login", "in", "in", "in", "in")
OBSERVER: Access = ("login", "barred", "in", "in", "in")
OWNER: Access = ("login", "missing", "missing", "in", "in")
ADMIN: Access = ("login", "barred", "barred", "barred", "in")
OWN: Access = ("login", "missing", "missing", "in", "missing")  # the member's alone
OWN_OBSERVER: Access = ("login", "barred", "missing", "in", "missing")
OWN_SHIFT: Access = ("login", "barred", "barred", "in", "in")
OWNING_OBSERVER: Access = ("login", "barred", "missing", "in", "in")
STAFF: Access = ("staff only", "staff only", "staff only", "staff only", "anything")
NOBODY: Access = ("shut", "shut", "shut", "shut", "shut")
LOGS_OUT: Access = ("login", "login", "login", "login", "login")
NOTHING_THERE: Access = ("login", "missing", "missing", "missing", "missing")
# OPTIONS tells which methods there are, and no more.
OPTIONS_OF_OPEN: Access = ("anything", "anything", "anything", "anything", "anything")
OPTIONS_OF_OTHERS: Access = ("shut", "anything", "anything", "anything", "anything")

# The outcomes that each word allows.
ALLOWED = {
    "in": {"in"},
    "login": {"login"},
    "barred": {"barred"},
    "missing": {"missing"},
    "staff only": {"login", "to the administration", "barred", "missing"},
    "shut": {"login", "barred", "missing", "no such method", "to the administration"},
    "anything": {"in", "login", "barred", "missing", "no such method", "to the administration"},
}
Line = dict[str, Access]
# Who tries a method that lets nobody in, or tells no more than another does: the administration
# answers most as it does GET. `make soak` has all people try all.
TRY_FEW = {"anonymous", "stranger"}
LIKE_ANOTHER = {"HEAD", "OPTIONS"}
LIKE_GET_IN_ADMINISTRATION = {"PUT", "PATCH", "DELETE"}
# How many tries no limit stops, since the counts were last forgotten.
TRIES_LET_BE = 3


def reads(who: Access) -> Line:
    return {"GET": who, "HEAD": who}


def posts(who: Access) -> Line:
    return {"POST": who}


def forms(who: Access) -> Line:
    """A form view of Django's, which takes PUT as POST."""
    return reads(who) | posts(who) | {"PUT": who}


def always(who: Access) -> Line:
    return dict.fromkeys(METHODS, who)


TABLE: dict[str, Line] = {
    # Logging in, and one's own account
    "login": forms(EVERYBODY),
    "logout": reads(USER) | posts(LOGS_OUT),
    "account_login": forms(EVERYBODY),
    "account_logout": reads(USER) | posts(LOGS_OUT),
    "account_inactive": reads(EVERYBODY),
    "account_reauthenticate": forms(USER),
    "account_change_password": forms(USER),
    # A forgotten password; what stands in the address is not a key
    "account_reset_password": reads(EVERYBODY) | posts(EVERYBODY),
    "account_reset_password_done": reads(EVERYBODY),
    "account_reset_password_from_key": always(EVERYBODY),
    "account_reset_password_from_key_done": reads(EVERYBODY),
    "mfa_index": reads(USER),
    "mfa_authenticate": always(ENTRANCE),
    "mfa_reauthenticate": always(USER),
    "mfa_activate_totp": always(USER),
    "mfa_generate_recovery_codes": always(USER),
    # Nobody here has a second factor.
    "mfa_deactivate_totp": forms(NOTHING_THERE),
    "mfa_view_recovery_codes": reads(NOTHING_THERE),
    "mfa_download_recovery_codes": reads(NOTHING_THERE),
    "account": reads(USER),
    # The team; its changes are made by whoever manages it
    "invitation": reads(EVERYBODY) | posts(EVERYBODY),
    "team": reads(USER),
    "team_welcome": reads(USER),
    "team_person": reads(ADMIN),
    **dict.fromkeys(
        (
            *("team_role", "team_groups", "team_switch", "team_undo"),
            *(
                "team_group_new",
                "team_group_rename",
                "team_group_delete",
                "team_program_new",
                "team_program_give",
            ),
            *("team_invite", "team_revoke"),
        ),
        posts(ADMIN),
    ),
    "account_renew_token": posts(USER),
    # The administration: one rule for all of it, below; its password form is everybody's own
    "admin/password_change/": always(USER),
    "admin:password_change": always(USER),
    # The pages
    "tonight": reads(USER),
    "scorer_list": reads(USER),
    "scorer_feedback": reads(USER),
    # Scorers that people add: leads add and change them, its group sees one
    "own_new": reads(ADMIN) | posts(ADMIN),
    "own_scorer": reads(OWNER),
    "own_version": reads(ADMIN) | posts(ADMIN),
    "own_change": posts(ADMIN),
    "own_delete": reads(ADMIN) | posts(ADMIN),
    "scorer_stored": posts(ADMIN),
    "changes": reads(USER),
    "search": reads(USER),
    "lookup_ask": posts(OBSERVER),
    "lookup": reads(OWN_OBSERVER),
    "lookup_take": posts(OWN_OBSERVER),
    "event_list": reads(USER),
    "event": reads(USER),
    "event_new": reads(OBSERVER) | posts(OBSERVER),
    "event_by_hand": reads(OWN_OBSERVER) | posts(OWN_OBSERVER),
    "map_difference": reads(USER),
    "plan_list": reads(OBSERVER) | posts(OBSERVER),
    "plan": reads(OWN_OBSERVER),
    "plan_send": reads(OWN_OBSERVER) | posts(OWN_OBSERVER),
    "plan_export": reads(OWN_OBSERVER),
    "coverage": reads(USER),
    "coverage_curve": reads(USER),
    "pointings_csv": reads(USER),
    "efficiency": reads(USER),
    "efficiency_csv": reads(USER),
    "pointings_upload": reads(OBSERVER) | posts(OBSERVER),
    "pointing_services": reads(USER),
    "ask_pointings": posts(OBSERVER),
    "pointings_undo": posts(OWNING_OBSERVER),
    "list_index": reads(USER),
    "ranked_list": reads(OWNER),
    "choose_list": posts(USER),
    # What a list looks for: leads make and change lists, who sees a list sees its settings
    "list_new": reads(ADMIN) | posts(ADMIN),
    "list_change": reads(ADMIN) | posts(ADMIN),
    "list_versions": reads(OWNER),
    "list_watched": reads(OWNER),
    "list_bring_back": posts(ADMIN),
    "list_delete": posts(ADMIN),
    "comparison_list": reads(USER) | posts(OBSERVER),
    "comparison": reads(OWNER),
    "event_past": reads(USER),
    "event_past_csv": reads(USER),
    "list_scan": reads(OWNER),
    "list_hand_over": posts(OWNING_OBSERVER),
    "list_vet": posts(OWNING_OBSERVER),
    "list_past": reads(OWNER),
    "list_past_csv": reads(OWNER),
    "candidate_history": reads(OWNER),
    "listed_history": reads(OWNER),
    "pin": posts(OBSERVER),
    "going_on": reads(USER),
    "going_on_cancel": reads(OBSERVER) | posts(OBSERVER),
    "set_message_aside": posts(OBSERVER),
    "join_event": posts(OBSERVER),
    "part_event": posts(OBSERVER),
    "split_event": posts(OBSERVER),
    "candidates_csv": reads(USER),
    "event_galaxies": reads(USER),
    "galaxies_csv": reads(USER),
    "zoom": reads(USER),
    "zoom_json": reads(USER),
    "vet": posts(OWNING_OBSERVER),
    "verdict_bar": reads(OWNER),
    "undo_verdict": posts(OBSERVER),
    # Scanning: a profile is for those of its team who give verdicts
    "scan": reads(USER),
    "scan_hand_over": posts(OBSERVER),
    "scan_profiles": reads(USER),
    "scan_profile_new": reads(OBSERVER) | posts(OBSERVER),
    "scan_profile": reads(OWNING_OBSERVER) | posts(OWNING_OBSERVER),
    "scan_profile_delete": posts(OWNING_OBSERVER),
    "targets:list": reads(USER),
    "targets:detail": reads(OWNER),
    "targets:lightcurve": reads(OWNER),
    "targets:points": reads(OWNER),
    "targets:points_csv": reads(OWNER),
    "targets:cutout": reads(OWNER),
    "targets:comment": posts(OWNING_OBSERVER),
    "targets:new": reads(OBSERVER) | posts(OBSERVER),
    "targets:redshift": posts(OWNING_OBSERVER),
    "targets:name": posts(OWNING_OBSERVER),
    "targets:take_name_back": reads(OWNING_OBSERVER) | posts(OWNING_OBSERVER),
    "targets:join": posts(OWNING_OBSERVER),
    "targets:split": posts(OWNING_OBSERVER),
    "targets:undo_join": posts(OWNING_OBSERVER),
    "targets:photometry": reads(OWNING_OBSERVER) | posts(OWNING_OBSERVER),
    "targets:photometry_undo": posts(OWNING_OBSERVER),
    "targets:spectra": reads(OWNER),
    "targets:spectrum_new": reads(OWNING_OBSERVER) | posts(OWNING_OBSERVER),
    "targets:spectrum_undo": posts(OWNING_OBSERVER),
    "targets:spectrum_again": posts(OWNING_OBSERVER),
    "targets:spectrum_take": posts(OWNING_OBSERVER),
    "targets:spectrum_withdraw": reads(OWNING_OBSERVER) | posts(OWNING_OBSERVER),
    "targets:withdrawal_undo": posts(OWNING_OBSERVER),
    "request_new": reads(OWNING_OBSERVER) | posts(OWNING_OBSERVER),
    "request_list": reads(USER),
    "request": reads(OWNER),
    "request_cancel": reads(OWNING_OBSERVER) | posts(OWNING_OBSERVER),
    "request_release": posts(OWNING_OBSERVER),
    "switch_sending": posts(ADMIN),
    "message_list": reads(OBSERVER),
    "message": reads(OBSERVER),
    "message_bytes": reads(ADMIN),  # of a survey's packet
    "message_replay": posts(OBSERVER),
    "message_seen": posts(OBSERVER),
    "message_replay_all": posts(OBSERVER),
    "circular": reads(USER),
    # The streams: leads change them, and the world's people are none
    "stream_list": reads(OBSERVER),
    "stream_new": reads(ADMIN) | posts(ADMIN),
    "stream": reads(ADMIN) | posts(ADMIN),
    "stream_credential": reads(ADMIN) | posts(ADMIN),
    "stream_filter": reads(ADMIN) | posts(ADMIN),
    **dict.fromkeys(
        (
            *("stream_start", "stream_stop", "stream_test", "stream_delete"),
            *("stream_filter_on", "stream_filter_off", "stream_filter_drop"),
            *("stream_credential_delete", "stream_notice_clear"),
        ),
        posts(ADMIN),
    ),
    "notifications": reads(USER),
    "bell": reads(USER),
    "alarms": reads(USER),
    "notifications_read": posts(USER),
    "notification_read": posts(OWN),
    "follow": posts(OBSERVER),
    "acknowledge": posts(OBSERVER),
    # Whom alarms reach: a contact is its person's alone, what the team has is for leads
    "alarm_page": reads(USER),
    "alarm_rule_new": reads(ADMIN) | posts(ADMIN),
    "alarm_rule": reads(ADMIN) | posts(ADMIN),
    "alarm_rule_switch": posts(ADMIN),
    "alarm_rule_remove": posts(ADMIN),
    "contact_add": posts(OBSERVER),
    "contact_remove": posts(OWN_OBSERVER),
    "contact_test": posts(OWN_OBSERVER),
    "answer_channel_add": posts(ADMIN),
    "answer_channel_remove": posts(ADMIN),
    "sms_gateway": reads(ADMIN) | posts(ADMIN),
    "sms_gateway_remove": posts(ADMIN),
    # Shifts: everybody sees them, each person changes their own
    "shift_page": reads(USER),
    "shift_add": posts(OBSERVER),
    "shift_begin": posts(OBSERVER),
    "shift_take_over": posts(OBSERVER),
    "shift": reads(USER) | posts(OWN_SHIFT),
    "shift_end": posts(OWN_SHIFT),
    "shift_call_off": posts(OWN_SHIFT),
    "away": reads(USER),
    "away_read": posts(USER),
    "targets:claim": reads(OWNER) | posts(OWNING_OBSERVER),
    "tell": reads(OBSERVER) | posts(OBSERVER),
    "circular_drafts": reads(OBSERVER) | posts(OBSERVER),
    "circular_draft": reads(OWNING_OBSERVER) | posts(OWNING_OBSERVER),
    "circular_discard": posts(OWNING_OBSERVER),
    "report": reads(OWNING_OBSERVER) | posts(OWNING_OBSERVER),
    "report_retry": posts(OWNING_OBSERVER),
    "report_confirm": posts(OWNING_OBSERVER),
    "report_discard": posts(OWNING_OBSERVER),
    # For whoever watches the site
    "health": reads(EVERYBODY),
    # The API
    "api:schema": reads(USER),
    "api:events": reads(USER) | posts(OBSERVER),
    "api:event_by_hand": {"PUT": OWN_OBSERVER, "DELETE": OWN_OBSERVER},
    "api:event": reads(USER),
    "api:candidates": reads(USER),
    "api:galaxies": reads(USER),
    "api:event_timeline": reads(USER),
    "api:pointings": reads(USER) | posts(OBSERVER),
    "api:efficiency": reads(USER),
    "api:circular_drafts": reads(OBSERVER) | posts(OBSERVER),
    "api:circular_draft": reads(OWNING_OBSERVER)
    | {"PUT": OWNING_OBSERVER, "DELETE": OWNING_OBSERVER},
    "api:plans": reads(OBSERVER) | posts(OBSERVER),
    "api:plan": reads(OWN_OBSERVER),
    "api:plan_send": posts(OWN_OBSERVER),
    "api:targets": reads(USER),
    "api:target": reads(OWNER),
    "api:lightcurve": reads(OWNER),
    "api:names": posts(OWNING_OBSERVER) | {"DELETE": OWNING_OBSERVER},
    "api:scores": reads(OWNER),
    "api:classifications": reads(OWNER),
    "api:timeline": reads(OWNER),
    "api:tags": reads(OWNER),
    "api:claim": reads(OWNER) | posts(OWNING_OBSERVER) | {"DELETE": OWNING_OBSERVER},
    "api:claims": reads(USER),
    "api:shifts": reads(USER) | posts(OBSERVER),
    "api:alarms": reads(USER),
    "api:alarm": reads(USER),
    "api:answer": posts(OBSERVER),
    "api:hand_in": posts(LOGS_OUT),  # nobody without a signature, whoever it is
    "api:lists": reads(USER),
    "api:listed": reads(OWNER),
    "api:requests": reads(USER) | posts(OBSERVER),
    "api:request": reads(OWNER),
    "api:cancel": posts(OWNING_OBSERVER),
    "api:messages": reads(OBSERVER),
    "api:message": reads(OBSERVER),
    "api:message_timelines": reads(OBSERVER),
    "api:replay": posts(OBSERVER),
    "api:streams": reads(OBSERVER),
    "api:metrics": reads(OBSERVER),
    "api:missing": always(NOTHING_THERE),
}


def line_of(route: Route) -> Line | None:
    if route.name in TABLE:
        return TABLE[route.name]
    return always(STAFF) if route.pattern.startswith("admin/") else None


def expected(line: Line, method: str) -> Access:
    if method == "OPTIONS" and "in" in [who[0] for who in line.values()]:
        return OPTIONS_OF_OPEN
    if method == "OPTIONS":
        return OPTIONS_OF_OTHERS
    return line.get(method, NOBODY)


# --- What is there to see ---------------------------------------------------------------------
def make_list(team: Group) -> Strategy:
    """A list that the team alone sees, with all that there is in it."""
    strategy = Strategy.objects.create(name=f"list {SECRET}", group=team)
    strategy.versions.create(number=1, chosen=settings_of(strategy), note=SECRET)
    rank_list(Listing(None, strategy), Basis.present(strategy, None))
    return strategy


def make_comparison(strategy: Strategy, *, by):
    asked = {"nights": 1, "k": 5, "truth": "spectra"}
    comparison = ask_for_comparison([strategy], **asked, by=by)
    work_comparison(comparison.pk)
    return comparison


@pytest.fixture
def world(db):
    return make_world()


def make_world():
    """Make a private target of the team's with all that can hang on it, and everybody."""
    team = make_group("team")
    people = {
        "plain": make_user("plain"),
        "stranger": make_observer("stranger"),
        "member": make_observer("member", groups=[team]),
        "admin": make_admin("admin"),
    }
    target = make_secret_target(team, by=people["member"])
    event = make_event("S261120ab")
    candidate = make_candidate(event, target)
    claim_target(target, by=people["member"], now=timezone.now(), event=event)
    request = make_request(candidate, by=people["member"])
    packet = make_message(SECRET.encode(), state="dead", kind="ztf.avro")
    notification = Notification.objects.create(
        user=people["member"], kind="target", cause="1", title=SECRET, target=target
    )
    lookup = make_lookup(people["member"], Wanted(name=SECRET), text=SECRET)
    alarm = Alarm.objects.create(event=event, cause="significant", title="", body="")
    report = Report.objects.create(event=event, url="kafka://broker/topic", body={"name": SECRET})
    report.candidates.add(candidate)
    circular = Circular.objects.create(
        circular_id=40_000, subject="", body="", created_on=MERGER, message=make_message()
    )
    invitation, secret = make_invitation(
        role=roles.OBSERVER, groups=[team], note="", days=1, by=people["admin"]
    )
    people_service.give_role(people["plain"].pk, roles.LEAD, by=people["admin"])
    people_service.give_role(people["plain"].pk, roles.READER, by=people["admin"])
    return {
        "people": people,
        # What fills an address: by the argument's name ...
        "values": {
            "event_id": event.event_id,
            "number": circular.circular_id,
            "kind": "science",
            "made_of": "onnx",
            "version": 1,
            "name": "fast_transient",
            "alias": target.aliases.get().pk,
            "secret": secret,
            "upload": make_upload(target, team, by=people["member"]).pk,
            "spectrum": (spectrum := make_spectrum(target, team, by=people["member"])).pk,
            "withdrawal": withdraw(
                spectrum, is_whole=True, reason=SECRET, forgets_redshift=False, by=people["member"]
            ).pk,
            "target_pk": target.pk,
            "table": make_table(event, team, by=people["member"]).pk,
            "join": make_join(target, team, by=people["member"]).pk,
            "source": "treasuremap",
            "rest": "nothing",
            "form": "json",
            "url": "nothing",
            "app_label": "auth",
            **dict.fromkeys(("object_id", "content_type_id"), "1"),
        },
        # ... and a row's key by what the address begins with.
        "keys": {
            "targets/": target.pk,
            "requests/": request.pk,
            "scorers/own/": keep_onnx(f"own_{SECRET}", group=team, by=people["admin"]).pk,
            "lists/compare/": make_comparison(make_list(team), by=people["member"]).pk,
            "lists/": Strategy.objects.get(group=team).pk,
            "messages/": packet.pk,
            "events/by-hand/": say_by_hand(event, by=people["member"]).pk,
            "events/<str:event_id>/messages/": event.sequences.earliest("pk").pk,
            "events/<str:event_id>/circular/": make_draft(candidate).pk,
            "circular-drafts/": CircularDraft.objects.get().pk,
            "events/<str:event_id>/plan/": keep_plan(event, by=people["member"], name=SECRET).pk,
            "plans/": Plan.objects.get().pk,
            "events/<str:event_id>/joins/": EventJoin.objects.create(
                kept=event, other=make_event("S261120ad"), by=people["member"]
            ).pk,
            "events/": candidate.pk,
            "scanning/profiles/": make_scan(candidate, team, by=people["member"]).pk,
            "lookups/answers/": lookup.answers.earliest("pk").pk,
            "lookups/": lookup.pk,
            "notifications/": notification.pk,
            "alarms/rules/": make_rule().pk,
            "alarms/contacts/": make_contact(people["member"], name=SECRET).pk,
            "alarms/answers/": make_channel("gateway")[0].pk,
            "alarms/": alarm.pk,
            "alarm-answers/": AnswerChannel.objects.get().pk,
            "shift/": make_shift(people["member"]).pk,
            "reports/": report.pk,
            "team/people/": people["plain"].pk,
            "team/groups/": team.pk,
            "team/programs/": Program.objects.get(group=team, survey="ZTF").pk,
            "team/invitations/": invitation.pk,
            "streams/credentials/": make_credential(group=team, name=f"credential {SECRET}").pk,
            "streams/notices/": StreamHealth.objects.create(stream="kafka.example.org").pk,
            "streams/": make_stream().pk,
            "team/changes/": TeamChange.objects.latest("pk").pk,
        },
    }


def make_secret_target(team, *, by):
    program = make_program(2, group=team)
    target = make_target(SECRET, private=True, owners=[team], program=program)
    TargetName.objects.bulk_create([TargetName(target=target, name=f"{SECRET} alias")])
    make_score(target)
    add_comment(target, f"{SECRET} rises", by=by)
    stamp = to_fits(np.arange(63.0 * 63).reshape(63, 63), step=1.0)
    Cutout.objects.create(target=target, kind="science", time=MERGER, program=program, fits=stamp)
    return target


def make_join(target, team, *, by):
    joined = make_target(
        f"{SECRET} too", private=True, owners=[team], program=make_program(2, group=team)
    )
    return join_targets(target, joined, by=by)


def make_upload(target, team, *, by):
    return PointUpload.objects.create(
        target=target, program=program_of(team), name=SECRET, n_points=0, created_by=by
    )


def make_spectrum(target, team, *, by):
    return UploadedSpectrum.objects.create(
        target=target, program=program_of(team), name=SECRET, observed=MERGER, created_by=by,
        wavelength=[4000.0, 5000.0, 6000.0], flux=[1.0, 2.0, 1.0], error=[],
    )  # fmt: skip


def make_table(event, team, *, by):
    told_ones = [told(SECRET, instrument=SECRET)]
    upload_pointings(told_ones, event=event, group=team, name=SECRET, by=by)
    compute_ranges(due_footprints())
    return PointingTable.objects.get()


def make_draft(candidate):
    draft = CircularDraft.objects.create(event=candidate.event, programs=[SECRET])
    draft.candidates.add(candidate)
    draft.versions.create(number=1, subject=SECRET, body=SECRET)
    return draft


def make_scan(candidate, team: Group, *, by):
    """Have a person scan the candidate's event; return a profile that the team alone sees."""
    query = f"q={SECRET}"
    listing = Listing(candidate.event, None)
    stop_at(by, listing, candidate.pk, query=query, now=timezone.now())
    return ScanProfile.objects.create(name=f"profile {SECRET}", group=team)


def make_request(candidate, *, by):
    request = ObservationRequest.objects.create(
        target=candidate.target,
        event=candidate.event,
        candidate=candidate,
        facility="PRACTICE",
        instrument="PRACTICE-IMAGER",
        spec={},
        body={"name": SECRET},
        key=f"{SECRET}|T0",
        window_start=MERGER,
        window_end=MERGER + timedelta(days=1),
        created_by=by,
    )
    request.exchanges.create(facility="PRACTICE", method="POST", url="", sent=SECRET, seconds=0.1)
    return request


# --- The walk ---------------------------------------------------------------------------------
def test_every_route_has_a_line_and_every_line_a_route():
    routes = all_routes()

    assert [route for route in routes if line_of(route) is None] == []
    assert TABLE.keys() - {route.name for route in routes} == set()


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("is_whole", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_nobody_gets_in_where_they_do_not_belong(world, name, is_whole):
    routes = [route for route in all_routes() if route.name != CHANGES]

    faults, is_told = walk(world, name, routes, call_and_undo, is_whole=is_whole)

    assert not faults, "\n".join(faults)
    # The word is found where it may be: else looking for it would prove nothing.
    assert is_told == (name in {"member", "admin"})


@pytest.mark.django_db(transaction=True)
def test_what_happens_is_streamed_to_nobody_who_does_not_belong(world):
    """The route of changes hangs up on the database, and with it would end a test's transaction."""
    routes = [route for route in all_routes() if route.name == CHANGES]

    faults = [fault for name in PEOPLE for fault in walk(world, name, routes, call)[0]]

    assert routes
    assert not faults, "\n".join(faults)


def tries(name: str, line: Line, method: str) -> bool:
    """Whether one of the people tries a method of a route where not everybody tries all."""
    who = expected(line, method)
    if method == "HEAD" and who[PEOPLE.index(name)] == "in":
        return False  # it does all that GET does, which tells more
    is_like_get = who is STAFF and method in LIKE_GET_IN_ADMINISTRATION
    is_worth_it = method not in LIKE_ANOTHER and not is_like_get and who is not NOBODY
    return is_worth_it or name in TRY_FEW


def walk(world, name, routes, by, *, is_whole: bool = True) -> tuple[list[str], bool]:
    """Go every route by every method as one of them; return faults, and if SECRET was met."""
    client = Client(raise_request_exception=False)
    if name in world["people"]:
        client.force_login(world["people"][name])
    session = client.cookies.output()
    is_told = False
    faults = []
    for route in routes:
        address = route.address({**world["values"], "pk": key_for(route, world["keys"])})
        line = line_of(route) or {}
        tried = [method for method in METHODS if is_whole or tries(name, line, method)]
        for number, method in enumerate(tried):
            client.cookies = SimpleCookie(session.replace("Set-Cookie: ", ""))
            if number % TRIES_LET_BE == 0:
                cache.clear()  # of the counts that limit how often one may try
                beat()
            response = by(client, method, address)
            answered = content(response)
            is_told |= SECRET.encode() in answered
            wanted = expected(line, method)[PEOPLE.index(name)]
            if outcome(response) not in ALLOWED[wanted]:
                faults.append(f"{method} {address}: {response.status_code}, not {wanted}")
            if SECRET.encode() in answered and name not in {"member", "admin"}:
                faults.append(f"{method} {address}: tells what is private")
    return faults, is_told


def key_for(route: Route, keys: dict[str, int]) -> int:
    path = route.pattern.removeprefix("api/")
    return next((pk for start, pk in keys.items() if path.startswith(start)), 1)


def call(client, method, address):
    return client.generic(method, address)


def call_and_undo(client, method, address):
    """Make a request and undo whatever it did."""
    with transaction.atomic():
        response = call(client, method, address)
        transaction.set_rollback(True)
    return response


def content(response) -> bytes:
    headers = str(response.headers).encode()
    if response.streaming and response.is_async:  # changes: they name rows, see their test
        return headers
    return headers + (b"".join(response) if response.streaming else response.content)


def outcome(response) -> str:
    """Say in one word what somebody met."""
    by_status = {401: "login", 403: "barred", 404: "missing", 405: "no such method"}
    where = response.headers.get("Location", "")
    if where.startswith("/accounts/login/"):
        return "login"
    if where.startswith("/admin/") and response.status_code == 302:
        return "to the administration"
    if response.status_code == 429 or response.status_code >= 500:
        return "failure"
    return by_status.get(response.status_code, "in")
