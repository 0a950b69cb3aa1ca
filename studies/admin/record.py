"""Shows the records of what the system itself did."""

from __future__ import annotations

from django.contrib import admin

from studies.admin.readonly import ReadOnlyAdmin, as_document, digest
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
    list_display = ("at", "code", "study", "kept", "takes", "files", "answers")
    list_filter = ("study", "kept")
    list_select_related = ("study",)
    search_fields = ("code",)
    fields = ("id", "at", "study", "code", "kept", "what_went", "takes", "files", "answers", "digest")
    readonly_fields = ("what_went", "digest")

    @admin.display(description="Removed")
    def what_went(self, receipt: ErasureReceipt) -> str:
        return as_document("\n".join(f"{count} {what}" for what, count in receipt.lines) or "there was nothing")

    @admin.display(description="SHA-256")
    def digest(self, receipt: ErasureReceipt) -> str:
        return digest(receipt.sha256)
