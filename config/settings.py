"""Every setting of the platform, read from the environment once.

The only file that reads the environment. `.env.example` explains each variable; a test compares the two.
"""

from pathlib import Path

import environ
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))  # what is already in the environment wins

# ── The process ──────────────────────────────────────────────────────────────────────────────────────────────────────
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")

INSTALLED_APPS = [
    "config.apps.BackofficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "procrastinate.contrib.django",
    "tenants",
    "whatsapp",
    "agent",
    "conversations",
]

MIDDLEWARE = [
    "config.middleware.RequestIdMiddleware",
    "config.shortcut.WebhookMiddleware",
    "config.middleware.ContentSecurityPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True

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
            ],
        },
    },
]

# ── PostgreSQL: rows, queue and locks ────────────────────────────────────────────────────────────────────────────────
DATABASES = {"default": env.db_url("DATABASE_URL")}
DATABASES["default"]["OPTIONS"] = {
    **DATABASES["default"].get("OPTIONS", {}),
    "pool": {"min_size": 1, "max_size": env.int("DATABASE_POOL_SIZE", default=15), "timeout": 10},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Besides each app's tasks.py.
PROCRASTINATE_IMPORT_PATHS = [
    f"conversations.{name}" for name in ("sweeps", "inbound", "media", "erasure", "retention")
]
# Jobs of one worker process at once: most of them wait for the model, which costs a few kilobytes each …
WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", default=500)
# … and those that touch the database or speak to Meta share so many threads.
WORKER_THREADS = env.int("WORKER_THREADS", default=32)
# A worker that has not been heard of for three heartbeats is dead, and its jobs go back into the queue.
WORKER_HEARTBEAT_SECONDS = env.float("WORKER_HEARTBEAT_SECONDS", default=10.0)

# ── Meta ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
META_APP_ID = env.str("META_APP_ID", default="")
META_APP_SECRET = env.str("META_APP_SECRET", default="")
# Former secrets: what Meta signed with them is accepted still; our own calls use the one above.
META_APP_SECRET_FALLBACKS = env.list("META_APP_SECRET_FALLBACKS", default=[])
META_CONFIG_ID = env.str("META_CONFIG_ID", default="")
META_REDIRECT_URI = env.str("META_REDIRECT_URI", default="")
META_WEBHOOK_VERIFY_TOKEN = env.str("META_WEBHOOK_VERIFY_TOKEN", default="")
META_GRAPH_API_VERSION = env.str("META_GRAPH_API_VERSION", default="v25.0")
META_GRAPH_API_URL = env.str("META_GRAPH_API_URL", default="https://graph.facebook.com")
META_DIALOG_URL = env.str("META_DIALOG_URL", default="https://www.facebook.com")
META_TIMEOUT_SECONDS = env.float("META_TIMEOUT_SECONDS", default=15.0)
# How long the record of each call to Meta is kept.
EXCHANGE_LOG_DAYS = env.int("EXCHANGE_LOG_DAYS", default=14)
# How long each body that Meta posted is kept: longer than Meta repeats it, for the row is what knows a repeat.
EVENT_LOG_DAYS = env.int("EVENT_LOG_DAYS", default=30)
# How long the agent lets a customer finish before it speaks; a tenant may have its own number.
ANSWER_WAIT_SECONDS = env.float("ANSWER_WAIT_SECONDS", default=1.5)
# So often the agent answers in one conversation within an hour; more is a machine on the other side, or a flood.
TURNS_PER_HOUR = env.int("TURNS_PER_HOUR", default=60)
# How long the agent is silent after a person of the business has spoken; a tenant may have its own number.
AGENT_PAUSE_MINUTES = env.int("AGENT_PAUSE_MINUTES", default=720)
# How long a send without a clear answer waits for Meta to say what became of it; then the tenant's policy decides.
UNKNOWN_GRACE_MINUTES = env.int("UNKNOWN_GRACE_MINUTES", default=10)

# Webhooks carry up to 3 MB (https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview).
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

# ── The model ────────────────────────────────────────────────────────────────────────────────────────────────────────
LLM_PROVIDER = env.str("LLM_PROVIDER", default="agent.providers.anthropic.AnthropicProvider")
ANTHROPIC_API_KEY = env.str("ANTHROPIC_API_KEY", default="")
ANTHROPIC_BASE_URL = env.str("ANTHROPIC_BASE_URL", default="https://api.anthropic.com")
ANTHROPIC_MODEL = env.str("ANTHROPIC_MODEL", default="claude-sonnet-5-5")
ANTHROPIC_API_VERSION = env.str("ANTHROPIC_API_VERSION", default="2026-10-21")
ANTHROPIC_MAX_TOKENS = env.int("ANTHROPIC_MAX_TOKENS", default=4096)
ANTHROPIC_TIMEOUT_SECONDS = env.float("ANTHROPIC_TIMEOUT_SECONDS", default=60.0)
# Who makes words of voice notes, by dotted path to a class; nobody when empty, and customers are asked to write.
TRANSCRIPTION_PROVIDER = env.str("TRANSCRIPTION_PROVIDER", default="")
# The last N messages of a conversation that the model is shown; a tenant may have its own number.
CONTEXT_MESSAGES = env.int("CONTEXT_MESSAGES", default=20)

# ── Secrets at rest: "id:base64 of 32 bytes", the first one seals, all of them open ──────────────────────────────────
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", default=[])

# ── People: languages, sessions, staff site ──────────────────────────────────────────────────────────────────────────
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("es", _("Spanish"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "home"

# ── Customers' media: on a disk that web and worker share, or in a bucket that is S3 or speaks like it ───────────────
# Served by our own signed URLs only, so it has no public URL of its own.
MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(BASE_DIR / ".local" / "media"))
MEDIA_URL_SECONDS = env.int("MEDIA_URL_SECONDS", default=300)
MEDIA_S3_BUCKET = env.str("MEDIA_S3_BUCKET", default="")
MEDIA_S3_ENDPOINT_URL = env.str("MEDIA_S3_ENDPOINT_URL", default="")
MEDIA_S3_REGION = env.str("MEDIA_S3_REGION", default="")
MEDIA_S3_ACCESS_KEY_ID = env.str("MEDIA_S3_ACCESS_KEY_ID", default="")
MEDIA_S3_SECRET_ACCESS_KEY = env.str("MEDIA_S3_SECRET_ACCESS_KEY", default="")
MEDIA_ON_DISK = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"location": MEDIA_ROOT, "file_permissions_mode": 0o640, "directory_permissions_mode": 0o750},
}
MEDIA_IN_S3 = {
    "BACKEND": "storages.backends.s3.S3Storage",
    "OPTIONS": {
        "bucket_name": MEDIA_S3_BUCKET,
        "endpoint_url": MEDIA_S3_ENDPOINT_URL or None,
        "region_name": MEDIA_S3_REGION or None,
        "access_key": MEDIA_S3_ACCESS_KEY_ID or None,  # none given: what the machine's own role may do
        "secret_key": MEDIA_S3_SECRET_ACCESS_KEY or None,
        # By name, `bucket.host` is known to Amazon alone.
        "addressing_style": "path" if MEDIA_S3_ENDPOINT_URL else None,
        "default_acl": None,  # private, as the bucket is
        "querystring_auth": False,
        "max_memory_size": 1024 * 1024,  # of a file that is read; the rest of it waits on the disk
        "file_overwrite": False,
    },
}

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "config" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "media": MEDIA_IN_S3 if MEDIA_S3_BUCKET else MEDIA_ON_DISK,
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG

# ── The API ──────────────────────────────────────────────────────────────────────────────────────────────────────────
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tenants.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.authentication.SpeaksForTenant"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.problems.problem_response",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "WhatsApp agents",
    "DESCRIPTION": "Connect a WhatsApp Business number and read what the agent and the customers said.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/v1",
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "config.problems.describe"],
    "ENUM_NAME_OVERRIDES": {
        "ConnectionStatus": "whatsapp.serializers.STATUSES",
        "MessageProblemKind": "conversations.serializers.KINDS",
        "MessageStatus": "conversations.models.Message.Status",
        "MessageDirection": "conversations.models.Message.Direction",
        "MessageAuthor": "conversations.models.Message.Author",
        "Through": "conversations.models.Through",
        "MediaStatus": "conversations.models.Attachment.Status",
    },
}

# ── Security ─────────────────────────────────────────────────────────────────────────────────────────────────────────
# The name Django 6 gives this setting, so that its own middleware can take over unchanged.
SECURE_CSP = {
    "default-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
}
SESSION_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not DEBUG)
SECURE_HSTS_SECONDS = 0 if DEBUG else env.int("SECURE_HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEBUG
SECURE_HSTS_PRELOAD = not DEBUG
# Only behind a proxy that sets this header itself and drops what a client sent.
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# ── Logs: one line each, to standard error, with the request's id ────────────────────────────────────────────────────
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "config.middleware.RequestIdFilter"}},
    "formatters": {"line": {"format": "{asctime} {levelname} {name} [{request_id}] {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # The HTTP clients would log URLs and headers, with tokens in them, at DEBUG: never below WARNING.
    "loggers": {
        "django": {"handlers": []},  # Django's own console handler would say everything twice
        **{
            name: {"level": "WARNING"}
            for name in ("urllib3", "httpx2", "httpcore2", "anthropic", "procrastinate", "boto3", "botocore")
        },
    },
}
