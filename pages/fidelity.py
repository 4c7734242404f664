"""A link to this page as the first request to a new server arrives here; see pages/shared/first.py."""

from pages.shared import first

first.run_router()
