"""Superset's settings: on this machine only, read-only, nothing kept of an answer, nothing sent anywhere."""

import logging
import os
from pathlib import Path

_FOLDER = Path(os.environ["TENURE_BI_FOLDER"])

# What isn't the user's to put right: notes of its start, of its libraries, and of a picture that its wheel lacks.
logging.disable(logging.INFO)
for _name in ("py.warnings", "superset.views.base"):
    logging.getLogger(_name).setLevel(logging.ERROR)

SECRET_KEY = (_FOLDER / "secret_key").read_text()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_FOLDER / 'superset.db'}?check_same_thread=false"
# DuckDB is a file to Superset, and it refuses files unless told otherwise.
PREVENT_UNSAFE_DB_CONNECTIONS = False
TRUSTED_HOSTS = ["127.0.0.1", "localhost"]
FAB_API_SWAGGER_UI = False
RATELIMIT_ENABLED = False

# An answer that was kept would be of the release before.
CACHE_CONFIG = DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}

# The page may ask no host but this one: no map tiles, fonts, or the pixel that counts Superset's users.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
