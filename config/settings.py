"""Settings, from the environment alone; with nothing set Souk runs on this machine.

Every variable is described in docs/settings.md.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from config.logs import described
from config.secret import secret_key

BASE = Path(__file__).resolve().parent.parent


def flag(name: str) -> bool:
    return os.environ.get(name, "") not in ("", "0")


def database(url: str) -> dict[str, Any]:
    """Django's description of `sqlite:///path` or `postgresql://user@host/name`.

    A PostgreSQL on a unix socket is `postgresql:///name?host=/path`.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        path = unquote(parts.path)
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": path,
            # The last connection to close would checkpoint and sync: a query costs a
            # quarter where a thread keeps its own.
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 5,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
            },
            "TEST": {"NAME": f"{path}.test"},
        }
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError(f"DATABASE_URL: unknown scheme {parts.scheme!r}")
    query = dict(part.split("=", 1) for part in parts.query.split("&") if "=" in part)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path).lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or unquote(query.get("host", "")),
        "PORT": str(parts.port or query.get("port", "")),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "pool": {
                "min_size": 2,
                "max_size": 8,
                "timeout": 2,
                # Away for longer, it would be tried again after 2, 4, 8 … 256 s;
                # given up, the next request tries at once.
                "reconnect_timeout": 1,
            }
        },
    }


DEBUG = flag("SOUK_DEBUG")
LOGGING = described(plain=DEBUG)
SOUK_DEMO = flag("SOUK_DEMO")
SOUK_BANK = DEBUG or flag("SOUK_BANK")
SOUK_STRIPE_KEY = os.environ.get("SOUK_STRIPE_KEY", "")
SOUK_STRIPE_WEBHOOK_SECRETS = [
    s for s in os.environ.get("SOUK_STRIPE_WEBHOOK_SECRETS", "").split(",") if s
]
SOUK_STRIPE_API = os.environ.get("SOUK_STRIPE_API", "https://api.stripe.com").rstrip(
    "/"
)
SOUK_DATA = Path(os.environ.get("SOUK_DATA", BASE / "var"))
SOUK_RUN_DIR = Path(os.environ.get("SOUK_RUN_DIR", SOUK_DATA / "run"))
SOUK_DATA.mkdir(parents=True, exist_ok=True)
SECRET_KEY = secret_key(os.environ.get("SOUK_SECRET"), SOUK_DATA)
SOUK_URL = os.environ.get("SOUK_URL", "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = [urlsplit(SOUK_URL).hostname or "", "127.0.0.1", "localhost"]
CSRF_TRUSTED_ORIGINS = [SOUK_URL]
SOUK_ORIGINS = [o for o in os.environ.get("SOUK_ORIGINS", "").split(",") if o]

DATABASES = {
    "default": database(
        os.environ.get("DATABASE_URL", f"sqlite:///{SOUK_DATA / 'souk.sqlite3'}")
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
SOUK_CHAT_REQUEST_MESSAGES = int(os.environ.get("SOUK_CHAT_REQUEST_MESSAGES", "3"))
REDIS_URL = os.environ.get("REDIS_URL", "")
SOUK_PORT = int(os.environ.get("SOUK_PORT", "8000"))
SOUK_ADMIN_PORT = int(os.environ.get("SOUK_ADMIN_PORT", "0"))
SOUK_WEB = int(os.environ.get("SOUK_WEB", "1"))
SOUK_MEDIA = int(os.environ.get("SOUK_MEDIA", "1"))
SOUK_JWT_KEYS = os.environ.get("SOUK_JWT_KEYS", "")
SOUK_ANONYMOUS = os.environ.get("SOUK_ANONYMOUS", "1") not in ("", "0")
SOUK_CONNECT_SECONDS = float(os.environ.get("SOUK_CONNECT_SECONDS", "10"))
SOUK_STALL_SECONDS = float(os.environ.get("SOUK_STALL_SECONDS", "10"))
SOUK_PING_SECONDS = int(os.environ.get("SOUK_PING_SECONDS", "25"))
SOUK_DRAIN_SECONDS = float(os.environ.get("SOUK_DRAIN_SECONDS", "0" if DEBUG else "10"))
SOUK_PROXIES = [p for p in os.environ.get("SOUK_PROXIES", "").split(",") if p]
SOUK_ADDRESS_SOCKETS = int(os.environ.get("SOUK_ADDRESS_SOCKETS", "500"))
SOUK_ADDRESS_RATE = int(os.environ.get("SOUK_ADDRESS_RATE", "20"))
SOUK_PROCESS_SOCKETS = int(os.environ.get("SOUK_PROCESS_SOCKETS", "20000"))
SOUK_DB_THREADS = int(os.environ.get("SOUK_DB_THREADS", "0"))
SOUK_OUTBOX_HOURS = int(os.environ.get("SOUK_OUTBOX_HOURS", "72"))

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "realtime",
    "accounts",
    "streams",
    "chat",
    "commerce",
    "web",
    "config",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "web.headers.SecurityHeaders",
    "web.language.Language",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.demo_people",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
TIME_ZONE = "UTC"
USE_TZ = True
MEDIA_URL = "/media/"
MEDIA_ROOT = SOUK_DATA / "media"
STATIC_URL = "/static/"
STATIC_ROOT = SOUK_DATA / "static"
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SOUK_URL.startswith("https:")
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

SOUK_MEDIA_PORT = int(os.environ.get("SOUK_MEDIA_PORT", "8443"))
SOUK_MEDIA_ADDRESSES = [
    a for a in os.environ.get("SOUK_MEDIA_ADDRESSES", "").split(",") if a
]
SOUK_STREAM_HOURS = float(os.environ.get("SOUK_STREAM_HOURS", "12"))
SOUK_CARRIERS = {
    pair.partition("=")[0]: pair.partition("=")[2]
    for pair in os.environ.get("SOUK_CARRIERS", "").split(",")
    if pair
}
SOUK_TAX_TABLE = os.environ.get("SOUK_TAX_TABLE", "")

# The seams: dotted paths to what this house plugs into its rooms.
SOUK_SIGN_OUTS = os.environ.get("SOUK_SIGN_OUTS", "accounts.actions.sign_outs")
SOUK_TAX_POLICY = os.environ.get("SOUK_TAX_POLICY", "commerce.policies.NoTax")
SOUK_COUPON_POLICY = os.environ.get("SOUK_COUPON_POLICY", "commerce.policies.NoCoupons")
SOUK_ROUTER = os.environ.get("SOUK_ROUTER", "config.protocol.router")
SOUK_MEDIA_BACKEND = os.environ.get(
    "SOUK_MEDIA_BACKEND", "streams.backends.local.LocalBackend"
)
