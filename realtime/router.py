"""Commands and who handles them: a typed registry, composed in `config.protocol`.

A room writes `router = CommandRouter()` beside its handlers; the composition root
includes them all. One router also carries the rooms' namespaces and hooks, so that a
process knows one object and no module has to be imported for its side effects.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Any, Self, TypeVar, get_type_hints

from msgspec import Meta, Struct

from realtime.events import Event, Latest
from realtime.lanes import Namespace

# `$` alone would let a line feed follow: a 65th character, which a column of 64 cuts.
Key = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$(?![\s\S])")]
"""A client's idempotency key."""


class Nested(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A Struct inside a command. Left out and default are the same body: so a field
    that is added later changes no digest (see `once`).
    """


class Command(Nested, frozen=True):
    """What a client asks: `class ListComments(Command, tag="comment.list")`."""


class Mutation(Command, frozen=True, kw_only=True):
    """A command that changes something. Sent again with its key it has one effect."""

    key: Key


class Ref(Struct, frozen=True):
    """Marks an identifier's kind: `OrderId = Annotated[str, Ref("order")]`.

    `public` says that reading by this id is anybody's right.
    """

    kind: str
    public: bool = False


class Rate(Struct, frozen=True):
    """A token bucket: `per_second` tokens, at most `burst` saved."""

    per_second: float
    burst: int


class Handler(Struct, frozen=True):
    """One method of the socket: what it takes, what it returns, who runs it."""

    method: str
    command: type[Command]
    reply: Any
    function: Callable[..., Any]
    is_async: bool
    anonymous: bool
    rate: Rate | None


F = TypeVar("F", bound=Callable[..., Any])
Hook = Callable[..., Awaitable[Struct | None]]


class CommandRouter:
    """Handlers, namespaces and hooks of a room, or of the house."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}
        self.namespaces: dict[str, Namespace] = {}
        self.connect_hooks: dict[str, Hook] = {}
        self.subscribe_hooks: dict[str, list[Hook]] = {}
        self.events: dict[str, list[type[Struct]]] = {}
        self.drain_hooks: list[Callable[[], Awaitable[None]]] = []
        self.jobs: list[Callable[[], Awaitable[None]]] = []

    def handles(
        self, *, anonymous: bool = False, rate: Rate | None = None
    ) -> Callable[[F], F]:
        """Register a handler by the annotation of its `command`.

        An `async def` runs on the loop, a `def` in a database thread. `anonymous`
        lets those who are not signed in call it. Two for one method stop the start.
        """

        def register(function: F) -> F:
            hints = get_type_hints(function, include_extras=True)
            command: type[Command] = hints["command"]
            method = command.__struct_config__.tag
            if not isinstance(method, str):
                raise TypeError(f"{command.__name__} has no tag")
            self._add(
                Handler(
                    method=method,
                    command=command,
                    reply=hints["return"],
                    function=function,
                    is_async=inspect.iscoroutinefunction(function),
                    anonymous=anonymous,
                    rate=rate,
                )
            )
            return function

        return register

    def namespace(self, namespace: Namespace) -> None:
        """Declare a family of channels."""
        if namespace.name in self.namespaces:
            raise ValueError(f"two namespaces {namespace.name!r}")
        self.namespaces[namespace.name] = namespace

    def tells(self, namespace: str, *events: type[Event] | type[Latest]) -> None:
        """Say what passes on a family of channels, `#` for `#<user>`."""
        self.events.setdefault(namespace, []).extend(events)

    def on_connect(self, name: str) -> Callable[[F], F]:
        """`async hook(connection, data) -> Struct | None` fills `data.<name>`.

        Runs after `#<user>` is joined or recovered; `data` is what the client sent
        under the same name, and the hook runs only if it sent something.
        """

        def register(hook: F) -> F:
            if name in self.connect_hooks:
                raise ValueError(f"two connect hooks {name!r}")
            self.connect_hooks[name] = hook
            return hook

        return register

    def on_subscribe(self, namespace: str) -> Callable[[F], F]:
        """`async hook(connection, address) -> Struct | None`, merged into `data`."""

        def register(hook: F) -> F:
            self.subscribe_hooks.setdefault(namespace, []).append(hook)
            return hook

        return register

    def on_drain(
        self, hook: Callable[[], Awaitable[None]]
    ) -> Callable[[], Awaitable[None]]:
        """Run when the process has said goodbye to its clients."""
        self.drain_hooks.append(hook)
        return hook

    def runs(self, job: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """`@router.runs`: a job of every web process, from its start until cancelled.

        What sweepers are: rows in SQL say what is due, so a job may die at any moment.
        """
        self.jobs.append(job)
        return job

    def include(self, *others: "CommandRouter") -> Self:
        """Take over what other routers hold. Returns self."""
        for other in others:
            for handler in other.handlers.values():
                self._add(handler)
            for namespace in other.namespaces.values():
                self.namespace(namespace)
            for name, hook in other.connect_hooks.items():
                self.on_connect(name)(hook)
            for name, hooks in other.subscribe_hooks.items():
                self.subscribe_hooks.setdefault(name, []).extend(hooks)
            for name, events in other.events.items():
                self.events.setdefault(name, []).extend(events)
            self.drain_hooks.extend(other.drain_hooks)
            self.jobs.extend(other.jobs)
        return self

    def methods(self) -> Iterable[Handler]:
        return (self.handlers[name] for name in sorted(self.handlers))

    def _add(self, handler: Handler) -> None:
        if handler.method in self.handlers:
            raise ValueError(f"two handlers for {handler.method!r}")
        self.handlers[handler.method] = handler
