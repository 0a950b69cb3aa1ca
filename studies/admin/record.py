"""What the system itself did, for reading."""

from __future__ import annotations

from django.contrib import admin

from studies.admin.readonly import ReadOnlyAdmin
from studies.models import AccessLog, ErasureReceipt, Export


@admin.register(AccessLog)
class AccessLogAdmin(ReadOnlyAdmin):
    list_display = ("at", "reader", "action", "target")
    list_filter = ("action", "at")
    search_fields = ("reader", "target")
    date_hierarchy = "at"


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "study", "rows", "made_by")
    list_filter = ("kind", "study")
    list_select_related = ("study", "made_by")


@admin.register(ErasureReceipt)
class ErasureReceiptAdmin(ReadOnlyAdmin):
    list_display = ("at", "code", "study", "takes", "files", "answers")
    list_filter = ("study",)
    list_select_related = ("study",)
    search_fields = ("code",)
