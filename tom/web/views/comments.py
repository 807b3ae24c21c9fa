"""Comments on a target."""

from typing import Any

from django.contrib import messages
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
    """Add a comment to a target; say why one is not kept."""
    target, user = get_object_or_404(visible_targets(request.user), pk=pk), person(request)
    text, error = request.POST.get("comment", ""), ""
    try:
        add_comment(target, text, by=user)
    except ValueError as refusal:
        error = f"The comment is not kept. {refusal}"
    if not request.headers.get("HX-Request"):
        if error:
            messages.error(request, error)
        return redirect("targets:detail", pk)
    context: dict[str, Any] = {"target": target, "comments": comments_on(target, user)}
    context |= {"comment_error": error, "comment_text": text if error else ""}
    return render(request, "targets/_comments.html", context)
