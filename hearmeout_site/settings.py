"""Django's settings, all from the environment (see environment.py)."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from csp.constants import NONCE, NONE, SELF
from django.templatetags.static import static
from django.urls import reverse_lazy

from hearmeout_site.environment import ROOT, read_environment
from hearmeout_site.internal import AS_PATTERNS
from hearmeout_site.privacy import keep_private

ENV = read_environment()
BASE_DIR = ROOT
DATA_DIR = ENV.data_dir.resolve()
JOURNAL_DIR = DATA_DIR / "journal"
RECORDINGS_DIR = DATA_DIR / "recordings"
BROKER_DIR = DATA_DIR / "broker"
STATIC_ROOT = DATA_DIR / "static"
keep_private(DATA_DIR)
for folder in (JOURNAL_DIR, RECORDINGS_DIR, BROKER_DIR, STATIC_ROOT):
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)

DEBUG = False
SECRET_KEY = ENV.secret_key
WORKER_SECRET = ENV.worker_secret
ALLOWED_HOSTS = list(ENV.allowed_hosts)
INTERNAL_HOSTS = list(ENV.internal_hosts)
CSRF_TRUSTED_ORIGINS = list(ENV.trusted_origins)
WEB_PORT = ENV.port
ALLOW_TEST_MODELS = ENV.allow_test_models
OPENS_DEMOS = ENV.opens_demos
RECONNECT_GRACE_SEC = ENV.reconnect_grace_sec
JOURNAL_MIN_FREE_BYTES = ENV.journal_min_free_mb * 1_000_000
WORKER_STALE_SEC = 10

INSTALLED_APPS = [
    "daphne",
    "unfold.apps.BasicAppConfig",
    "studies.researcher.apps.ResearcherAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "csp",
    "studies",
]
MIDDLEWARE = [
    "hearmeout_site.headers.Headers",
    "django.middleware.security.SecurityMiddleware",
    "hearmeout_site.internal.InternalAddresses",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "studies.participant.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "studies.researcher.signing_in.SignedInWhileActive",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
CSRF_FAILURE_VIEW = "studies.participant.access.csrf_failure"
ROOT_URLCONF = "hearmeout_site.urls"
ASGI_APPLICATION = "hearmeout_site.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "studies.participant.language.page_language",
            ]
        },
    }
]


def _database(url: str, wait_sec: int) -> dict[str, Any]:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "db.sqlite3",
            # WAL lets readers pass the writer; IMMEDIATE makes a writer wait its turn instead of failing late
            "OPTIONS": {
                "timeout": wait_sec,
                "transaction_mode": "IMMEDIATE",
                # what is deleted is overwritten; and what REPLACE deletes is refused, too (see studies.models.guards)
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                " PRAGMA secure_delete=ON; PRAGMA recursive_triggers=ON;",
            },
        }
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": max(2, wait_sec),  # libpq's least
            "tcp_user_timeout": 1_000 * wait_sec,
            "options": f"-c lock_timeout={wait_sec}s",
        },
    }


DATABASES = {"default": _database(ENV.database_url, ENV.database_wait_sec)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

ERASURE_LOG = ENV.erasure_log or DATA_DIR / "erasures.jsonl"

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "recordings": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": RECORDINGS_DIR, "base_url": None, "file_permissions_mode": 0o600},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
STATIC_URL = "static/"
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "hearmeout_site.packages.NamedFiles",
]
WHITENOISE_USE_FINDERS = not ENV.production
WHITENOISE_AUTOREFRESH = False

# limits of sign-ins, and tokens that were used: one for all processes
CACHES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": ENV.redis_url}
    if ENV.redis_url
    else {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": DATA_DIR / "cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

# Channels' layer carries control messages and the live monitor, never audio
CHANNEL_LAYERS: dict[str, Any] = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [{"address": ENV.redis_url, "socket_timeout": None}]},
    }
    if ENV.redis_url
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

CELERY_BROKER_URL = ENV.redis_url or "filesystem://"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {"visibility_timeout": 3_600}
    if ENV.redis_url
    else {
        "data_folder_in": str(BROKER_DIR),
        "data_folder_out": str(BROKER_DIR),
        "control_folder": str(BROKER_DIR / "control"),
    }
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 3_600  # what hangs is ended, and the schedule begins it anew
CELERY_WORKER_CONCURRENCY = ENV.celery_concurrency
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "pick-up-unfiled-takes": {"task": "studies.tasks.pick_up_unfiled_takes", "schedule": 20.0},
    "give-up-abandoned-places": {"task": "studies.tasks.give_up_abandoned_places", "schedule": 60.0},
    "erase-expired-recordings": {"task": "studies.tasks.erase_expired_recordings", "schedule": 3_600.0},
}

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "studies.researcher.signing_in.StrippedPasswordValidator"},
]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "studies.researcher.signing_in.ResearcherAdapter"
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key", "login_failed_anywhere": "30/5m/key"}
ALLAUTH_TRUSTED_PROXY_COUNT = ENV.proxies
SESSION_IDLE_SEC = 60 * ENV.session_idle_min
REQUIRE_SECOND_FACTOR = ENV.require_second_factor
MFA_ADAPTER = "studies.researcher.signing_in.SecondFactors"
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

# of what participants see; researchers' pages are English. Catalogues: studies/locale (docs/developer.md, Languages)
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("sv", "Svenska"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "studies" / "locale"]  # before those of other apps, which say the same words otherwise
FORMAT_MODULE_PATH = ["hearmeout_site.formats"]
TIME_ZONE = "UTC"
USE_TZ = True

SECURE_SSL_REDIRECT = ENV.production
SECURE_REDIRECT_EXEMPT = AS_PATTERNS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV.production else None
SECURE_HSTS_SECONDS = 31_536_000 if ENV.production else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENV.production
if ENV.production:  # no other host of the same domain can set these
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, "'unsafe-inline'"],  # wavesurfer and unfold set styles from script
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "media-src": [SELF, "blob:"],
        "connect-src": [SELF],
        "worker-src": [SELF, "blob:"],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Hear Me Out",
    "SITE_HEADER": "Hear Me Out",
    "SITE_SYMBOL": "graphic_eq",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("studies/img/mark.svg")}],
    "SHOW_HISTORY": False,
    "DASHBOARD_CALLBACK": "studies.researcher.views.dashboard",
    "STYLES": [lambda request: static("studies/css/researcher/researcher.css")],
    "SIDEBAR": {"navigation": "studies.researcher.navigation.sidebar"},
    "ACCOUNT": {"navigation": "studies.researcher.navigation.account_links"},
    "COLORS": {
        "primary": {
            "50": "oklch(97.1% .013 198)",
            "100": "oklch(94% .03 198)",
            "200": "oklch(88.5% .055 198)",
            "300": "oklch(81% .08 198)",
            "400": "oklch(71.5% .1 198)",
            "500": "oklch(60% .1 198)",
            "600": "oklch(51% .09 198)",
            "700": "oklch(44% .078 198)",
            "800": "oklch(38% .065 198)",
            "900": "oklch(33% .053 198)",
            "950": "oklch(24% .04 198)",
        }
    },
}

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(message)s"}},
    "filters": {
        "hide_links": {"()": "hearmeout_site.logs.HideLinks"},
        "probes": {"()": "hearmeout_site.logs.ProbesAreNoNews"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["hide_links"]}},
    "root": {"handlers": ["console"], "level": ENV.log_level},
    "loggers": {
        # its own handler would pass the filter by
        "django": {"handlers": [], "propagate": True},
        "django.request": {
            "level": "ERROR",
            "filters": ["probes"],
        },  # a page that is not there is the visitor's news, not the operator's
        "daphne": {"level": "WARNING"},
        "django.channels.server": {"level": "ERROR"},
        "kombu": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
    },
}
