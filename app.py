"""L2I Explorer: the router. Page settings, navigation and the context bar shared by all pages.

streamlit run app.py
"""

import streamlit as st

from pages.shell import context, tour
from pages.show import pictures

# One level below pages/: files directly in it are what pages/shell/first.py explains.
LISTEN = st.Page("pages/listen/page.py", title="Listen", default=True)
TITLES = {
    "dictionary": "Dictionary",
    "noise": "Noise lab",
    "faithfulness": "Faithfulness",
    "fidelity": "Fidelity & models",
    "audit": "Audit",
    "lesson": "How it works",
}
PAGES = [
    LISTEN,
    *(st.Page(f"pages/{n}/page.py", title=t, url_path=n) for n, t in TITLES.items()),
]

st.set_page_config(page_title="L2I Explorer", page_icon=pictures.icon(), layout="wide")
page = st.navigation(PAGES)
context.bar(listening=page is LISTEN)
tour.offer()
page.run()
context.footer()
