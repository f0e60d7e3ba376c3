"""Which language a page speaks: what was chosen here, the account's, the browser's."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers


class Language:
    """Middleware, after the session's. Django's own texts follow it as well."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with translation.override(spoken(request)):
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", tag())
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response


def spoken(request: HttpRequest) -> str:
    """One of `settings.LANGUAGES`."""
    if settings.LANGUAGE_COOKIE_NAME in request.COOKIES:
        return translation.get_language_from_request(request)
    user = getattr(request, "user", None)
    chosen = user.language if user is not None and user.is_authenticated else ""
    if chosen and chosen != settings.LANGUAGE_CODE:
        return supported(chosen)
    return translation.get_language_from_request(request)


def supported(code: str) -> str:
    try:
        return translation.get_supported_language_variant(code)
    except LookupError:
        return settings.LANGUAGE_CODE


def tag() -> str:
    """What goes into `<html lang>`: `en` or `zh-Hans`."""
    return "zh-Hans" if (translation.get_language() or "").startswith("zh") else "en"
