"""What `/whip` and `/whep` have in common over HTTP: methods, CORS, problems, limits.

Errors are problem+json (RFC 9457), their type `urn:souk:<name>`, their facts beside it.
"""

import ipaddress
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from realtime import CommandError, Rate, take
from streams.calls import Declined

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
SDP_BYTES = 64 * 1024
FRAGMENT_BYTES = 8 * 1024

CORS = {
    "Access-Control-Allow-Origin": "*",  # no cookie is read here
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, Link",
    "Access-Control-Expose-Headers": (
        "Location, ETag, Link, Accept-Patch, Retry-After"
    ),
    "Access-Control-Max-Age": "86400",
}
STATUS = {
    "not_found": 404,
    "publish_banned": 403,
    "stream_state": 409,
    "not_live": 409,
    "stale_etag": 412,
    "bad_sdp": 400,
    "unacceptable": 422,
    "no_common_codec": 422,
    "etag_required": 428,
    "full": 503,
    "media_unavailable": 503,
    "unavailable": 503,
    "busy": 503,
}
SAID_AS = {"unknown_session": "not_found", "internal": "unavailable"}
AGAIN_S = {409: "2", 503: "2"}
"""Retry-After of what passes by itself; `stream_state` does not."""

Answerer = Callable[..., Coroutine[Any, Any, HttpResponse]]


class Problem(Exception):
    """A request is refused."""

    def __init__(
        self,
        status: int,
        name: str,
        headers: Mapping[str, str] | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(status, name)
        self.status = status
        self.name = name
        self.headers = headers or {}
        self.facts = facts


def door(methods: Mapping[str, Answerer], *, accept_post: bool = False) -> Answerer:
    """A view that answers `methods`, OPTIONS, 405 to all others, and CORS to all."""
    allow = ", ".join(sorted({*methods, "OPTIONS"}))
    always = {**CORS, "Access-Control-Allow-Methods": allow}
    posts = {"Accept-Post": SDP} if accept_post else {}

    @csrf_exempt
    async def view(request: HttpRequest, **place: str) -> HttpResponse:
        method = request.method or ""
        if method == "OPTIONS":
            response = bare(200, {"Allow": allow, **posts})
        elif method not in methods:
            response = _told(Problem(405, "method_not_allowed", {"Allow": allow}))
        else:
            response = await _answer(methods[method], request, place)
        for name, value in always.items():
            response[name] = value
        return response

    return view


def bare(status: int, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """No content, and no type of it."""
    response = HttpResponse(status=status, headers=dict(headers or {}))
    if "Content-Type" not in (headers or {}):
        del response["Content-Type"]
    return response


def bearer(request: HttpRequest) -> str:
    """The bearer, or "". Encoders spell the scheme in any case, or leave it out."""
    text = request.headers.get("Authorization", "").strip()
    scheme, _, rest = text.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    return "" if rest else text


def client_address(request: HttpRequest) -> str:
    """Whom an address's limit counts: an IPv4 address, or an IPv6 /64."""
    text = request.META.get("REMOTE_ADDR") or ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unix"
    if address.version == 4:
        return text
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)


def via(request: HttpRequest) -> str:
    """The address of ours that the request came to."""
    text = str(request.META.get("SERVER_NAME", ""))
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return "127.0.0.1"


def body(request: HttpRequest, kind: str, limit: int) -> str:
    """The request's text. Raises 415, 413 before decoding, 400 `bad_sdp`."""
    if request.content_type != kind:
        accepts = "Accept-Patch" if kind == FRAGMENT else "Accept-Post"
        raise Problem(415, "wrong_content_type", {accepts: kind}, wanted=kind)
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    try:
        held = b"" if length > limit else request.body
    except RequestDataTooBig:
        length = limit + 1
    if max(length, len(held)) > limit:
        raise Problem(413, "too_large", max_bytes=limit)
    try:
        return held.decode()
    except UnicodeDecodeError:
        raise Problem(400, "bad_sdp", line=0, why="not UTF-8") from None


async def limit(actor: int | str, bucket: str, rate: Rate) -> None:
    """Raises 429 with Retry-After when `actor` does it too often."""
    wait = await take(actor, bucket, rate)
    if wait:
        seconds = str(-(-wait // 1000))
        raise Problem(429, "too_many_requests", {"Retry-After": seconds})


async def _answer(
    answerer: Answerer, request: HttpRequest, place: Mapping[str, str]
) -> HttpResponse:
    try:
        return await answerer(request, **place)
    except Problem as problem:
        return _told(problem)
    except (CommandError, Declined) as error:
        return _told(_problem(error))


def _problem(error: CommandError | Declined) -> Problem:
    name = SAID_AS.get(error.name, error.name)
    status = STATUS.get(name, 500)
    headers = {} if name == "stream_state" else _again(status)
    return Problem(status, name, headers, **error.data)


def _again(status: int) -> dict[str, str]:
    return {"Retry-After": AGAIN_S[status]} if status in AGAIN_S else {}


def _told(problem: Problem) -> HttpResponse:
    fields = {
        "type": f"urn:souk:{problem.name}",
        "status": problem.status,
        **problem.facts,
    }
    return HttpResponse(
        msgspec.json.encode(fields),
        status=problem.status,
        content_type="application/problem+json",
        headers=dict(problem.headers),
    )
