"""A run as one HTML page that needs nothing but itself."""

from __future__ import annotations

from lab.report.page import write

__all__ = ["write"]
