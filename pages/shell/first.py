"""The very first request to a new server process, where it is a link to a page.

Until `st.navigation` has run once, Streamlit takes the files directly in `pages/` for the app's
pages: a link to another name shows "Page not found". So each page has a file of its name there,
which runs the router; from then on Streamlit never looks at them again.
"""

import runpy
from pathlib import Path

_ROUTER = Path(__file__).resolve().parents[2] / "app.py"


def run_router() -> None:
    """Run app.py, as a request to its own address would."""
    runpy.run_path(str(_ROUTER))
