"""L2I Explorer: the router. Page settings, navigation and the context bar shared by all pages.

streamlit run app.py
"""

import streamlit as st

from pages.shared import context, pictures, tour

# One level below pages/: files directly in it are what pages/shared/first.py explains.
LISTEN = st.Page("pages/views/listen.py", title="Listen", default=True)
PAGES = [
    LISTEN,
    st.Page("pages/views/dictionary.py", title="Dictionary"),
    st.Page("pages/views/noise.py", title="Noise lab"),
    st.Page("pages/views/faithfulness.py", title="Faithfulness"),
    st.Page("pages/views/fidelity.py", title="Fidelity & models"),
    st.Page("pages/views/audit.py", title="Audit"),
    st.Page("pages/views/lesson.py", title="How it works"),
]

st.set_page_config(page_title="L2I Explorer", page_icon=pictures.icon(), layout="wide")
page = st.navigation(PAGES)
context.bar(listening=page is LISTEN)
tour.offer()
page.run()
context.footer()
