"""All addresses: participants' pages are at the root, researchers' under /admin/ and /research/, and accounts under
/accounts/."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("", include("studies.urls")),
]

handler400 = "hearmeout_site.refusals.bad_request"
