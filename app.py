"""L2I Explorer: the router. Page settings, navigation and the context bar shared by all pages.

streamlit run app.py
"""

import streamlit as st

from pages.shared import context, pictures

# One level below pages/: a page directly under it breaks deep links on the first visit.
PAGES = [st.Page("pages/views/listen.py", title="Listen", default=True)]

st.set_page_config(page_title="L2I Explorer", page_icon=pictures.icon(), layout="wide")
page = st.navigation(PAGES, position="sidebar" if len(PAGES) > 1 else "hidden")
context.bar()
page.run()
context.footer()
