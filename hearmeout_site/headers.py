"""Headers of every answer that Django's own middleware does not set."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

UNUSED: Final = (
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "payment",
    "usb",
    "serial",
    "hid",
)
HEADERS: Final = {
    "Permissions-Policy": ", ".join(["microphone=(self)", *(f"{feature}=()" for feature in UNUSED)]),
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Headers(MiddlewareMixin):
    """Lets our pages alone use the microphone, and no other site embed what we serve."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response
