"""A store of nights as a small site.

It has an overview, a page for each host, trend and alert, and one for each experiment that several
hosts run. The pages need nothing but each other and one `plotly.min.js` beside them, from a folder
as well as from a server.
"""

from __future__ import annotations

from lab.report.site.pages import INDEX, PLOTLY, Site, ready
from lab.report.site.serve import LOOPBACK, server

__all__ = ["INDEX", "LOOPBACK", "PLOTLY", "Site", "ready", "server"]
