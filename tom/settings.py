"""What an installation may set, from the environment. A bad value stops the start."""

import gc
import logging
import os
from pathlib import Path
from typing import Any

import dj_database_url

from tom.embedded.home import Home
from tom.environment import (
    env,
    read_addresses,
    read_choices,
    read_count,
    read_email,
    read_file,
    read_groups,
    read_number,
    read_numbers,
    read_rate,
    read_token,
    read_url,
    take_former_names,
)
from tom.framework import *  # noqa: F403  what is the same everywhere
from tom.framework import BASE_DIR

take_former_names()

# While the applications load, nothing is left over: to look for it takes a fifth of the start.
gc.disable()  # until tom.embedded, the last of them, is ready

# The folder of the embedded mode: databases, secrets, logs.
HOME = Home(Path(env.str("TOM_HOME", "") or BASE_DIR / ".tom").expanduser().absolute())
os.environ["TOM_HOME"] = str(HOME.path)  # the same for a child that starts in another folder
# Embedded mode: no database is named, so we run our own.
EMBEDDED = not env.str("DATABASE_URL", "")

# --- Security -------------------------------------------------------------------------------
# Signs sessions and encrypts stored secrets. Production has no default.
SECRET_KEY = HOME.secret("secret_key") if EMBEDDED else env.str("SECRET_KEY")
DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"] if EMBEDDED else [])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
# Whether the site is reached by HTTPS: cookies, redirects and HSTS follow.
HTTPS = env.bool("HTTPS", not EMBEDDED)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# Whether a proxy of ours stands before us: only then are its headers believed.
BEHIND_PROXY = env.bool("BEHIND_PROXY", False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
ALLAUTH_TRUSTED_PROXY_COUNT = int(BEHIND_PROXY)  # whose addresses wrong passwords are counted by
# --- Services ---------------------------------------------------------------------------------
# The role of this process at the embedded database: the web server's has a share of connections.
DATABASES: dict[str, Any] = {
    "default": HOME.database(env.str("DATABASE_ROLE", ""))
    if EMBEDDED
    else dj_database_url.parse(env.str("DATABASE_URL"), conn_max_age=0)
}
# A database that is away is known after seconds.
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
# So many requests use the database at once in one web process, each on a connection of its own.
# The streams of changes share one more, and the health check has one. The others wait for their
# turn. At PostgreSQL the web server's role has a limit of its own, so that workers and commands
# keep their share.
WEB_CONNECTIONS = read_count("WEB_CONNECTIONS", 8, least=1)
# A request that got no turn for so long is refused (503).
WEB_WAIT_SECONDS = read_number("WEB_WAIT_SECONDS", 30.0)
# A request's body must have come by then.
WEB_BODY_SECONDS = read_number("WEB_BODY_SECONDS", 30.0, least=0.1)
# Celery's broker, and the Redis the cache uses.
BROKER_URL = HOME.broker_url if EMBEDDED else env.str("BROKER_URL")
CELERY_BROKER_URL = BROKER_URL
REDIS_URL = HOME.redis_url if EMBEDDED else env.str("REDIS_URL", BROKER_URL)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
    }
}
# After how long without a sweep /health/ says that no worker works; one task may take long.
WORKER_SILENCE_SECONDS = read_number("WORKER_SILENCE_SECONDS", 60, least=1)

# --- Files --------------------------------------------------------------------------------------
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(BASE_DIR / ".static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = HOME.path / "media"

# --- TOM Toolkit --------------------------------------------------------------------------------
TOM_NAME = env.str("TOM_NAME", "Counterpart")
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tom.web.tokens.HashedTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["tom.web.api.renderers.FiniteJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["tom.web.api.parsers.ShallowJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "tom.web.api.pagination.Pages",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    # How often one user may call the API.
    "DEFAULT_THROTTLE_RATES": {"user": read_rate("API_RATE", "600/min")},
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
# --- Streams ------------------------------------------------------------------------------------
# hop URLs to read, comma-separated, several topics of a broker too:
# kafka://kafka.scimma.org/igwn.gwalert,gcn.circulars,kafka://kafka.gcn.nasa.gov/gcn.heartbeat
# Of Google Pub/Sub: pubsub://project/subscription.
STREAMS: list[str] = env.list("STREAMS", [])
# The consumer group, whose place in a stream the database holds; SCiMMA wants it to start with the
# user name. Empty: made from the user name. Two installations with one credential need two groups.
STREAM_GROUP = env.str("STREAM_GROUP", "")
# The credential for Hopskotch, where hop's own store (hop auth add) has none; MECHANISM as Kafka
# names it, CA_FILE for a broker with a certificate of its own.
HOP_HOST = env.str("HOP_HOST", "kafka.scimma.org")
HOP_USERNAME = env.str("HOP_USERNAME", "")
HOP_PASSWORD = env.str("HOP_PASSWORD", "")
HOP_MECHANISM = env.str("HOP_MECHANISM", "SCRAM-SHA-512")
HOP_CA_FILE = env.str("HOP_CA_FILE", "")
# The API of Hopskotch's archive, which says what authors took back; empty: it is not asked.
HOP_ARCHIVE = read_url("HOP_ARCHIVE")
# GCN's client credential, and where its broker takes it.
GCN_HOST = env.str("GCN_HOST", "kafka.gcn.nasa.gov")
GCN_CLIENT_ID = env.str("GCN_CLIENT_ID", "")
GCN_CLIENT_SECRET = env.str("GCN_CLIENT_SECRET", "")
GCN_TOKEN_URL = env.str("GCN_TOKEN_URL", "https://auth.gcn.nasa.gov/oauth2/token")
# The file of a Google service account's key in JSON, for what STREAMS names of Pub/Sub.
GOOGLE_APPLICATION_CREDENTIALS = env.str("GOOGLE_APPLICATION_CREDENTIALS", "")
# The schema registry (Confluent's API) that is asked for a schema that no survey published:
# https://host, or https://user:password@host. Empty: such messages are dead letters.
SCHEMA_REGISTRY = read_url("SCHEMA_REGISTRY")
# How often a message may fail (its worker dying, say) before it is dead.
MESSAGE_ATTEMPTS = read_count("MESSAGE_ATTEMPTS", 5, least=1)
# If more targets wait for scoring, nothing more is read of survey alerts until fewer do. 0: always.
SCORING_BACKLOG = read_count("SCORING_BACKLOG", 20_000)
# Where raw survey packets are kept: a folder that every process reaches, or an object store, as
# s3://bucket/prefix. Empty: the folder `packets` of TOM_HOME.
PACKET_STORE = env.str("PACKET_STORE", "")
# How many days raw survey packets and classifications are kept after they are stored. 0: no limit.
PACKET_DAYS = read_count("PACKET_DAYS", 30)
# How many days points of light curves are kept, to the end of their month; what people brought
# is kept. 0: no limit.
POINT_DAYS = read_count("POINT_DAYS", 0)

# How near an object of one survey must be to a target of another's to be the same, arcsec; and for
# single surveys (LSST=0.5,...): of two that differ the wider one counts. 0: only the very place.
JOIN_DEFAULT_ARCSEC = read_number("JOIN_DEFAULT_ARCSEC", 1.0, most=600)
JOIN_ARCSEC: dict[str, float] = read_numbers("JOIN_ARCSEC", most=600)

# --- Scoring ------------------------------------------------------------------------------------
# Scanning says "safe to stop" once the counterpart is missed with at most this chance.
SAFE_TO_STOP = read_number("SAFE_TO_STOP", 0.01, most=1)

# Scorers, in addition to those of the entry point group tom.scorers in installed packages.
SCORERS = env.list(
    "SCORERS", ["ml_plugins.fast_transient.FastTransient", "ml_plugins.real_bogus.RealBogus"]
)
# Where a site puts the files that a scorer asks it for, in a folder of the scorer's name.
SCORER_FILES = HOME.path / "scorers"
# What makes the scorers that people add in the browser, by their kind.
OWN_SCORERS = {"onnx": "ml_plugins.onnx.Onnx", "filter": "ml_plugins.filter.Filter"}
# How much each scorer's opinion weighs, 0 to 1 (name=0.5,...): less where one repeats in
# part what others say; 0: kept and shown, never ranked by.
SCORER_WEIGHTS: dict[str, float] = read_numbers("SCORER_WEIGHTS", most=1)
# How much address space the process of a scorer may have, and how many seconds one call of it may
# take in addition to ten times what it declares for its objects.
SCORER_MEMORY_MB = read_count("SCORER_MEMORY_MB", 3000, least=1)
SCORER_PATIENCE_SECONDS = read_number("SCORER_PATIENCE_SECONDS", 10.0)
# Chance that any one source of a list without an event is what is sought, where its strategy says
# nothing else. It sets the scale of the chances, never the order.
CANDIDATE_PRIOR = read_number("CANDIDATE_PRIOR", 1e-4, least=1e-30, most=0.5)
# Within which nearly all hosts of unrelated sources lie, Mpc: how far the surveys see transients.
HOST_HORIZON_MPC = read_number("HOST_HORIZON_MPC", 1000.0, least=1)
# A HEALPix FITS map of E(B-V), nested or ring; without it a cosecant law with a wide error.
EBV_MAP = read_file("EBV_MAP")

# --- Look-ups at brokers --------------------------------------------------------------------------
# How long a broker may take to answer a look-up, all of its calls together.
LOOKUP_SECONDS = read_number("LOOKUP_SECONDS", 20, least=0.1, most=300)
# The same question is not asked again so soon.
LOOKUP_CACHE_MINUTES = read_number("LOOKUP_CACHE_MINUTES", 10)
# An address that passes calls on, where brokers cannot be reached from here: the host that is meant
# is the first part of the path. Empty: they are called themselves.
LOOKUP_RELAY = read_url("LOOKUP_RELAY")
# Tokens of Lasair's APIs, for ZTF's objects and for Rubin's; without one it is not asked for those.
LASAIR_TOKEN = read_token("LASAIR_TOKEN")
LASAIR_LSST_TOKEN = read_token("LASAIR_LSST_TOKEN")

# How long one plan of a night may take before its process is killed.
PLAN_SECONDS = read_number("PLAN_SECONDS", 180, least=5, most=3600)

# A token of the Treasure Map's API; without it the Treasure Map is not asked for pointings.
TREASURE_MAP_TOKEN = read_token("TREASURE_MAP_TOKEN")
# A service of an observatory's visits: the address of its ObsLocTAP, or one that ends in /schedule,
# as Rubin's. Empty: none is asked.
OBSLOCTAP_URL = read_url("OBSLOCTAP_URL")

# Images of the sky behind the zoomable map: the address of a HiPS, such as
# https://alasky.cds.unistra.fr/DSS/DSSColor. Its host then sees the readers' addresses and where
# they look. Empty: a grid.
HIPS_URL = read_url("HIPS_URL").rstrip("/")

# A bot of the Transient Name Server: its key, number and name; without them TNS is not asked.
TNS_API_KEY = read_token("TNS_API_KEY")
TNS_BOT_ID = env.str("TNS_BOT_ID", "")
TNS_BOT_NAME = env.str("TNS_BOT_NAME", "")

# --- Follow-up ----------------------------------------------------------------------------------
# The practice telescope stands in where no observatory is configured.
PRACTICE_TELESCOPE = env.bool("PRACTICE_TELESCOPE", EMBEDDED)
# Seconds it takes for each step of a request.
PRACTICE_STEP_SECONDS = read_number("PRACTICE_STEP_SECONDS", 4.0)
# The OCS portal of LCO, SOAR and Blanco; one that runs on this machine stands in for it.
local_portal = HOME.portal() if EMBEDDED else {}
OCS_PORTAL_URL = local_portal.get("OCS_PORTAL_URL") or read_url("OCS_PORTAL_URL")
OCS_API_TOKEN = local_portal.get("OCS_API_TOKEN") or read_token("OCS_API_TOKEN")
OCS_PROPOSAL = local_portal.get("OCS_PROPOSAL") or env.str("OCS_PROPOSAL", "")
# Whether the portal is for practice: test events may reach it.
OCS_PRACTICE = bool(local_portal) or env.bool("OCS_PRACTICE", False)
# Seconds between two questions to a portal while a request is under way there.
OCS_POLL_SECONDS = read_number("OCS_POLL_SECONDS", 20.0, least=1)
# Where any other facility is and what lets us in, for its own folder: FACILITY_<NAME>_<WHAT>.
FACILITY_ACCESS = read_groups("FACILITY")
# After a lost answer, how long a request that the facility does not list may still turn up.
REQUEST_QUIET_SECONDS = read_number("REQUEST_QUIET_SECONDS", 60.0)
# After how long a request still being sent was left by a dead worker; more than any call takes.
REQUEST_STALE_SECONDS = read_number("REQUEST_STALE_SECONDS", 90.0, least=1)

# --- Telling ------------------------------------------------------------------------------------
# How e-mail leaves; without it, it is printed.
EMAIL_CONFIG = read_email()
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
vars().update(EMAIL_CONFIG or {})
EMAIL_TIMEOUT = 10
# What the subject of a mail about one's account begins with; an address that is nobody's gets none.
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"{TOM_NAME}: "
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "counterpart@localhost")
# Who gets the alarm of a significant live event or a retraction: e-mail addresses, and a webhook
# (in the form that Slack takes).
ALARM_EMAILS = read_addresses("ALARM_EMAILS", email=EMAIL_CONFIG)
ALARM_WEBHOOK = read_url("ALARM_WEBHOOK")
# Hosts of one's own network that webhooks and the SMS gateway entered on the page may name.
ALARM_HOSTS: list[str] = env.list("ALARM_HOSTS", [])
# Where people reach the site: alarms then bring a link.
SITE_URL = read_url("SITE_URL").rstrip("/")
# Which kinds of events raise alarms.
ALARM_KINDS = read_choices("ALARM_KINDS", ["gw", "grb", "neutrino", "frb", "unknown"])
# A message older than this raises no alarm: it was sent again, or read from a file.
ALARM_HOURS = read_number("ALARM_HOURS", 24)
# A message dated so long after it came has a wrong date: it does not rule its event's chain.
FUTURE_MINUTES = read_number("FUTURE_MINUTES", 60)
# How often a channel may refuse an alarm before it has failed.
ALARM_ATTEMPTS = read_count("ALARM_ATTEMPTS", 5, least=1)
# The Hopskotch topic (a hop URL) to which a person may send an event's candidates.
TELL_URL = env.str("TELL_URL", "")
# The Kafka topic (a hop URL) to which our scorers' classes of simulated alerts are published.
CLASSES_URL = env.str("CLASSES_URL", "")

# --- Logging ------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "tom.logs.LineFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "filters": {
        "repeats": {"()": "tom.logs.Repeats"},
        "refusals": {"()": "tom.logs.Refusals"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["repeats"],
        }
    },
    "root": {"handlers": ["console"], "level": env.log_level("LOG_LEVEL", logging.INFO)},
    "loggers": {
        "django.request": {"filters": ["refusals"]},
        "httpx": {"level": "WARNING"},
        "urllib3": {"level": "ERROR"},  # below, it tells paths: a webhook's is its secret
        "numexpr": {"level": "WARNING"},
        # It tells of each new user, at a level that it sets itself; its warnings are still printed.
        "tom_common.signals": {"propagate": False},
    },
}
