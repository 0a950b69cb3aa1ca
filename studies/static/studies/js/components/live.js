// Parts of a page that fill themselves in while recordings are filed and measured (hx-* attributes).

import "htmx.org";
