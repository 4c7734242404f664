"""Listen to Interpret: hear what an audio classifier listened to (Parekh et al., NeurIPS 2022).

from l2i_core import L2I
engine = L2I.from_bundle("esc10")
analysis = engine.analyse(waveform, sample_rate)
interpretation = engine.interpret(analysis, target="dog", threshold=0.3)
"""

from l2i_core.bundle import bundle_folders, load_bundle
from l2i_core.dictionary.nmf import Dictionary
from l2i_core.engine import L2I
from l2i_core.explainers.explained import Analysis, Interpretation, Sweep, Verdict
from l2i_core.signal import audio
from l2i_core.signal.spectra import AudioConfig, Spectrogram

__version__ = "0.1.0"
__all__ = [
    "L2I",
    "Analysis",
    "AudioConfig",
    "Dictionary",
    "Interpretation",
    "Spectrogram",
    "Sweep",
    "Verdict",
    "audio",
    "bundle_folders",
    "load_bundle",
]
