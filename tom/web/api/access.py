"""Permissions of the API's routes, in addition to being logged in."""

from collections.abc import Sequence

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from tom.web import permissions
from tom.web.team.roles import find_lack


class _Permitted(BasePermission):
    """Ask for `permission` on every method but those in `open_methods`."""

    permission = ""
    message = ""
    open_methods: Sequence[str] = ()

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.method in self.open_methods or request.user.has_perm(self.permission):
            return True
        self.message = str(find_lack(request.user, [self.permission]))
        return False


class MayRequestObservations(_Permitted):
    """Everybody reads the requests of targets they may see; observers make them."""

    permission = permissions.REQUEST_OBSERVATION
    open_methods = SAFE_METHODS


class MayMakeEvents(_Permitted):
    """Everybody reads events; observers make some by hand."""

    permission = permissions.MAKE_EVENT
    open_methods = SAFE_METHODS


class MayPlan(_Permitted):
    """A plan is its maker's alone: who may not ask for observations has none."""

    permission = permissions.REQUEST_OBSERVATION


class MayCancelRequests(_Permitted):
    permission = permissions.CANCEL_REQUEST


class MayNameTargets(_Permitted):
    permission = permissions.MAKE_TARGET


class MayUploadPointings(_Permitted):
    """Everybody reads the pointings that they may see; observers send them."""

    permission = permissions.UPLOAD_POINTINGS
    open_methods = SAFE_METHODS


class MayTell(_Permitted):
    permission = permissions.TELL


class MayTakeShifts(_Permitted):
    """Everybody reads shifts and claims; observers take them."""

    permission = permissions.TAKE_SHIFT
    open_methods = SAFE_METHODS


class MayAnswerAlarms(_Permitted):
    permission = permissions.ACKNOWLEDGE_ALARM


class MayViewMessages(_Permitted):
    """Messages may hold what is private: observers read them."""

    permission = permissions.VIEW_MESSAGES


class MayReplayMessages(_Permitted):
    permission = permissions.REPLAY_MESSAGE


class MayViewStreams(_Permitted):
    permission = permissions.VIEW_STREAMS
