"""Comments on a target."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from tom.targets.visible import visible_targets
from tom.web.comments import add_comment, comments_on
from tom.web.people import person
from tom.web.permissions import COMMENT
from tom.web.refusals import needs


@require_POST
@needs(COMMENT)
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a comment to a target."""
    target, user = get_object_or_404(visible_targets(request.user), pk=pk), person(request)
    error = ""
    try:
        add_comment(target, request.POST.get("comment", ""), by=user)
    except ValueError as refusal:
        error = str(refusal)
    if not request.headers.get("HX-Request"):
        return redirect("targets:detail", pk)
    context = {"target": target, "comments": comments_on(target, user), "comment_error": error}
    return render(request, "targets/_comments.html", context)
