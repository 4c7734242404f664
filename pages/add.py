"""A link to this page as the first request to a new server arrives here; see pages/shell/first.py."""

from pages.shell import first

first.run_router()
