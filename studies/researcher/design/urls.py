"""Addresses of the study editor, under /research/studies/."""

from __future__ import annotations

from django.urls import path

from studies.researcher.design import balance, preview, sharing, starting, versions
from studies.researcher.design.writing import editor, translating

urlpatterns = [
    path("new/", starting.new, name="design_new"),
    path("form-schema.json", editor.schema, name="design_schema"),
    path("<slug:slug>/design/", editor.write, name="design"),
    path("<slug:slug>/design/validate/", editor.validate, name="design_validate"),
    path("<slug:slug>/design/save/", editor.save, name="design_save"),
    path("<slug:slug>/design/rewrite/", editor.rewrite, name="design_rewrite"),
    path("<slug:slug>/design/draft.yaml", editor.download, name="design_draft"),
    path("<slug:slug>/design/translate/", translating.translate, name="design_translate"),
    path("<slug:slug>/design/preview/", preview.preview, name="design_preview"),
    path("<slug:slug>/design/balance/", balance.table, name="design_balance"),
    path("<slug:slug>/design/versions/", versions.versions, name="design_versions"),
    path("<slug:slug>/design/versions/<int:number>.yaml", versions.export, name="design_export"),
    path("<slug:slug>/design/versions/<int:number>/changes/", versions.compare, name="design_compare"),
    path("<slug:slug>/design/publish/", versions.publishing, name="design_publish"),
    path("<slug:slug>/design/share/", sharing.share, name="design_share"),
    path("<slug:slug>/design/share/qr.svg", sharing.qr, name="design_qr"),
    path("<slug:slug>/design/state/", sharing.move, name="design_move"),
]
