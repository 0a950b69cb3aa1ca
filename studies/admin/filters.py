"""Which filters the address of a list may name.

Django lets whoever may view a list filter it by any field, with any comparison: `?token__startswith=a` would read a
column that no page shows, letter by letter, and `?name__regex=` would run any pattern in our own process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.contrib.admin.filters import ListFilter
from django.contrib.admin.utils import get_fields_from_path
from django.db.models import Model
from django.db.models.fields.related import RelatedField
from django.http import HttpRequest

OF_VALUES: Final = ("", "__exact", "__isnull", "__isempty", "__gte", "__lt")
OF_DAYS: Final = ("__year", "__month", "__day")
OF_IDS: Final = ("", "__exact", "__in")


class NamedFilters:
    """An admin whose list is filtered by what it offers alone: `list_filter`, `date_hierarchy`, and the rows' ids.

    It stands before every other base class."""

    model: type[Model]
    date_hierarchy: str | None
    view_on_site = False  # that address asks for no permission

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return "\x00" not in value and lookup in self._offered(request)  # PostgreSQL takes no NUL

    def _offered(self, request: HttpRequest) -> Iterator[str]:
        for name in ("pk", self.model._meta.pk.name):
            yield from (name + comparison for comparison in OF_IDS)
        if self.date_hierarchy:
            yield from (self.date_hierarchy + part for part in OF_DAYS)
        for offered in self.get_list_filter(request):  # type: ignore[attr-defined]  # of the admin
            if isinstance(offered, type) and issubclass(offered, ListFilter):
                yield offered.parameter_name  # type: ignore[attr-defined]  # a filter without a field has one
            else:
                yield from self._of_field(offered if isinstance(offered, str) else offered[0])

    def _of_field(self, path: str) -> Iterator[str]:
        field = get_fields_from_path(self.model, path)[-1]
        if isinstance(field, RelatedField):
            yield f"{path}__{field.target_field.name}__exact"
            yield f"{path}__isnull"
        else:
            yield from (path + comparison for comparison in OF_VALUES)
