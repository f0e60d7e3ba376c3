"""The headers that every page carries: what a browser may load, run and be asked for.

The policy is strict enough that a script or a style written into a page by somebody
else does nothing (docs/rooms/web.md).
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
NO_CAMERA = "camera=(), microphone=(), geolocation=(), payment=()"
CAMERA = "camera=(self), microphone=(self), geolocation=(), payment=()"


class SecurityHeaders:
    """Middleware. Camera and microphone are the studio's alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        studio = request.path.startswith("/studio")
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault(
            "Permissions-Policy", CAMERA if studio else NO_CAMERA
        )
        return response
