"""The ASGI application.

Django serves HTTP. The relay serves `/ws/talk/<take>/` and the preview consumer `/ws/p/<token>/preview/`; both bypass
Channels' per-message dispatch."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hearmeout_site.settings")

from django.core.asgi import get_asgi_application

http = get_asgi_application()  # This sets Django up; the imports below need its models.

from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from hearmeout_site.head import without_bodies
from studies.preview.consumer import PreviewConsumer
from studies.talk.live.socket import TalkConsumer, same_origin

application = ProtocolTypeRouter(
    {
        "http": without_bodies(http),
        "websocket": same_origin(
            URLRouter(
                [
                    path("ws/talk/<uuid:take_id>/", TalkConsumer.as_asgi()),
                    path("ws/p/<slug:token>/preview/", PreviewConsumer.as_asgi()),
                ]
            )
        ),
    }
)
