"""What Django, Celery and TOM Toolkit are told, and no environment changes."""

from pathlib import Path

from tom_common.default_settings import *  # noqa: F403  TOM Toolkit's own, as its documentation asks
from tom_common.default_settings import TOMTOOLKIT_INSTALLED_APPS

from tom import queues

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Applications -----------------------------------------------------------------------------
INSTALLED_APPS = [
    *TOMTOOLKIT_INSTALLED_APPS,
    "csp",
    "drf_spectacular",
    "tom.changes",
    "tom.streams",
    "tom.targets",
    "tom.galaxies",
    "tom.events",
    "tom.pointings",
    "tom.strategies",
    "tom.candidates",
    "tom.scoring",
    "tom.ranking",
    "tom.followup",
    "tom.planning",
    "tom.shifts",
    "tom.reports",
    "tom.lookups",
    "tom.web",
    "tom.embedded",
]
MIDDLEWARE = [
    "tom.web.middleware.CompressionMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tom.web.middleware.NullCharacterMiddleware",
    "tom.web.middleware.HealthMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Default deny: a view is for people logged in unless it says otherwise.
    "tom.web.middleware.LoginMiddleware",
    "tom.web.api.parameters.KnownParametersMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tom_common.middleware.HTMXRedirectMiddleware",
    "tom_common.middleware.AccountRequirementsMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "tom.web.rights.RightsBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ROOT_URLCONF = "tom.urls"
ASGI_APPLICATION = "tom.asgi.application"
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
                "tom.web.context.site",
            ],
        },
    },
]
CRISPY_TEMPLATE_PACK = "bootstrap5"
SITE_ID = 1
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False  # English alone: to ask for the language of each number takes time
DEFAULT_AUTO_FIELD = (
    "django.db.models.AutoField"  # as TOM Toolkit's migrations; ours say BigAutoField
)
SILENCED_SYSTEM_CHECKS: list[str] = []

# --- Security -------------------------------------------------------------------------------
SECURE_REDIRECT_EXEMPT = [r"^health/$"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# By the beginning of the path: models that people add, with some room for the other fields.
LARGER_BODIES = {
    "/scorers/own/": 17 * 1024 * 1024,
    # A sky map; in base64 by the API.
    "/events/new/": 17 * 1024 * 1024,
    "/events/by-hand/": 17 * 1024 * 1024,
    "/api/events/": 23 * 1024 * 1024,
}
ACCOUNT_ADAPTER = "tom.web.login_limits.LoginAdapter"
MFA_FORMS = {
    "authenticate": "tom.web.codes.CodeForm",
    "reauthenticate": "tom.web.codes.CodeAgainForm",
    "activate_totp": "tom.web.codes.FirstCodeForm",
}
ACCOUNT_RATE_LIMITS = {
    # Wrong passwords from one address, and of one account from one address.
    "login_failed": "20/m/ip,5/300s/key",
    # Of one account from all addresses but those from which its owner has logged in.
    "login_failed_anywhere": "50/h/key",
    # Accounts asked for, and links of invitations that are none, from one address.
    "invitation": "20/m/ip",
}
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        # plotly.js sets style attributes on the labels that it draws, and makes two style
        # elements: an empty one and one whose text is known.
        "style-src-attr": ["'unsafe-inline'"],
        "style-src-elem": [
            "'self'",
            "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
            "'sha256-gG0b4ixT/IQUp7JJLbyKcpYcYDjq2Wp8NGv3f+aasqo='",
        ],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "object-src": ["'none'"],
    }
}

# --- Celery -----------------------------------------------------------------------------------
# As measured to lose no task on Redis when a worker is killed; the transport's options bring such
# a task back within seconds, where the default takes 100.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    # A broker that hangs is as one that is away. Workers ask it every second.
    "socket_timeout": 15,
    "socket_connect_timeout": 5,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = queues.DEFAULT
CELERY_TASK_ROUTES = queues.ROUTES
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 3
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# Tasks are nudges: what a lost one leaves undone is found in the rows.
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "tom.sweeping.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "prune": {"task": "tom.sweeping.prune", "schedule": 3600.0},
    "ask_archive": {
        "task": "tom.sweeping.ask_archive",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
}
TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}

# --- Files --------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "tom.web.staticfiles.StaticStorage"},
}
MEDIA_URL = "/media/"  # mounted nowhere: data products are served by views that check rights

# --- TOM Toolkit --------------------------------------------------------------------------------
TARGET_TYPE = "SIDEREAL"
TARGET_DEFAULT_PERMISSION = "PRIVATE"
TARGET_PERMISSIONS_ONLY = True
AUTH_STRATEGY = "LOCKED"
EXTRA_FIELDS: list[dict[str, object]] = []
MATCH_MANAGERS: dict[str, str] = {}
FACILITIES: dict[str, dict[str, object]] = {}
TOM_FACILITY_CLASSES: list[str] = []  # ours are in tom.followup, and a worker calls them
HOOKS: dict[str, str] = {}
DATA_PRODUCT_TYPES = {"photometry": ("photometry", "Photometry")}
DATA_PROCESSORS: dict[str, str] = {}
HINTS_ENABLED = False
SPECTACULAR_SETTINGS = {
    "TITLE": "Counterpart",
    "DESCRIPTION": "Events, candidates, targets, scores, requests and messages.",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SCHEMA_PATH_PREFIX": "/api/",
    "ENUM_NAME_OVERRIDES": {
        "RequestState": "tom.followup.states.RequestState",
        "MessageState": "tom.streams.models.MessageState",
        "PlanState": "tom.planning.models.PlanState",
    },
}
