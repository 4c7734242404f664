"""A page with nothing but sets of sounds, for test_sounds.py: of several lengths, one alone, ten with
long names, and silence."""

import io

import numpy as np
import streamlit as st
from PIL import Image

from pages.show.sounds import Sound, hear

RATE = 16000


def tone(hertz: float, seconds: float, level: float = 0.1) -> np.ndarray:
    return level * np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE)


st.set_page_config(layout="wide")
st.text_input("Notes")
st.button("A button")
louder = st.toggle("Louder")
drawn = io.BytesIO()
Image.new("RGB", (968, 452), "black").save(drawn, "PNG")
short = Sound("short", tone(660, 1.5), drawn.getvalue(), "a picture")
several = [Sound("long", tone(440, 4)), short]
several += [
    Sound("loud", tone(880, 4, 0.13 if louder else 0.12)),
    Sound("slow", tone(99, 2), rate=8000),
]
hear("several", several, RATE, subject="several")
hear("one", [Sound("alone", tone(440, 2))], RATE, subject="one")
names = [f"System {i} with a name as long as anybody would give one" for i in range(1, 11)]
hear("ten", [Sound(n, tone(100 * i, 1)) for i, n in enumerate(names, 1)], RATE, subject="ten")
hear("silence", [Sound("nothing", np.zeros(RATE))], RATE, subject="silence")
st.text("end of page")
