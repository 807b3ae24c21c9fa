"""The search box of every page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from tom.web.search_results import search_everything
from tom.web.search_text import read_search


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Find a name or a place; an exact match opens its page at once."""
    sought = read_search(request.GET.get("q", ""))
    found = search_everything(sought, request.user)
    if len(found.exact) == 1:
        return redirect(found.exact.pop())
    return render(request, "search/page.html", {"sought": sought, "found": found})
