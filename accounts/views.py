"""Doors for people: sign-up, sign-in, sign-out, and tickets to the socket."""

from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    JsonResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.actions import sign_out
from accounts.forms import SignUpForm
from accounts.models import User
from accounts.throttle import may_sign_up, may_try
from realtime import issue_ticket

TOO_MANY = _("Too many tries. Wait a minute, then try again.")
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


class SignIn(LoginView):
    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name = request.POST.get("username", "")
        if may_try(name, request.META["REMOTE_ADDR"]):
            return super().post(request, *args, **kwargs)
        form = AuthenticationForm(request)
        return _too_many(request, self.template_name, self.get_context_data(form=form))


class SignOut(LogoutView):
    """The session ends first, then every ticket, pass and socket of the account."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user = request.user.pk
        response = super().post(request, *args, **kwargs)
        if user is not None:
            sign_out(user)
        return response


def sign_up(request: HttpRequest) -> HttpResponse:
    if request.method == "POST" and not may_sign_up(request.META["REMOTE_ADDR"]):
        return _too_many(request, "accounts/sign_up.html", {"form": SignUpForm()})
    form = SignUpForm(request.POST or None)
    if form.is_valid():
        login(request, form.save(), backend=MODEL_BACKEND)
        return redirect("home")
    return render(request, "accounts/sign_up.html", {"form": form})


def _too_many(
    request: HttpRequest, template: str, context: dict[str, Any]
) -> HttpResponse:
    """The form again, empty, and the reason."""
    page = render(request, template, {**context, "refused": TOO_MANY}, status=429)
    page["Retry-After"] = "60"
    return page


@require_POST
def ticket(request: HttpRequest) -> JsonResponse:
    """`{"ticket": "t.…"}`: one connection within 30 s; 401 when not signed in."""
    if not request.user.is_authenticated:
        return JsonResponse({"error": "unauthorized"}, status=401)
    return JsonResponse({"ticket": async_to_sync(issue_ticket)(request.user.pk)})


@require_POST
def demo_sign_in(request: HttpRequest) -> HttpResponse:
    """One click in a demo. Only accounts without a password can be taken so."""
    if not settings.SOUK_DEMO:
        raise Http404
    user = get_object_or_404(User, username=request.POST.get("user", ""))
    if user.has_usable_password():
        raise Http404
    login(request, user, backend=MODEL_BACKEND)
    back = request.POST.get("next", "")
    inside = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return redirect(back if inside else "home")
