// Loads htmx for parts of a page that update themselves while recordings are filed and measured (hx-* attributes).

import "htmx.org";
