"""24 hours, since "10:16 p.m." sorts and compares badly in tables. Read by Django (FORMAT_MODULE_PATH)."""

from __future__ import annotations

TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i"
SHORT_DATETIME_FORMAT = "d/m/Y H:i"
