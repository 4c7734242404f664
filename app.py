"""L2I Explorer: page settings, navigation and the context bar shared by all pages.

streamlit run app.py
"""

import streamlit as st

from l2i_core.explainers.protocol import ExplainerError
from pages.shell import context, router, tour
from pages.show import pictures
from pages.show.words import sentence

st.set_page_config(page_title="L2I Explorer", page_icon=pictures.icon(), layout="wide")
pages, problems = router.pages()
page = st.navigation(pages)
for problem in problems:
    st.error(problem)
listening = page is pages[0]
context.bar(listening)
tour.offer(listening)
try:
    page.run()
except ExplainerError as error:  # on another sound or class than the view's
    st.error(sentence(str(error)))
context.footer()
