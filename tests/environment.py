"""Loaded before Django's settings: a home of the run's own, nothing of the person's."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

# Tests are rewritten by pytest and kept so: where nothing may be kept, it takes seconds each time.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_FOLDER = Path(tempfile.mkdtemp(prefix="counterpart-test-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)

# The folder of the process that began the run: those that it starts find it by this name.
RUN_FOLDER = Path(os.environ.setdefault("COUNTERPART_TEST_RUN", str(_FOLDER)))

# As the site's own parts: threads of linear algebra that wait for one another while other processes
# have the processors took the tests of one scorer from 8 s of a processor to 120.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

os.environ["TOM_HOME"] = str(_FOLDER / "home")
for _name in (
    *("DATABASE_URL", "BROKER_URL", "REDIS_URL", "SECRET_KEY", "STREAMS"),
    *(
        "STREAM_GROUP",
        "TELL_URL",
        "CLASSES_URL",
        "OCS_PORTAL_URL",
        "OCS_API_TOKEN",
        "OCS_PROPOSAL",
        "EBV_MAP",
    ),
    *("ALARM_EMAILS", "ALARM_WEBHOOK", "PAGE_EMAILS", "PAGE_WEBHOOK"),
):
    os.environ.pop(_name, None)
# Peers of the tests run on this machine: no proxy stands before them.
for _name in ("NO_PROXY", "no_proxy"):
    os.environ[_name] = ",".join(["127.0.0.1", "localhost", os.environ.get(_name, "")])
