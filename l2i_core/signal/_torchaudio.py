"""torchaudio beside a CPU build of torch.

The Linux wheel of torchaudio links CUDA libraries that a CPU-only torch does not bring, so its
import fails while loading its compiled extension. Everything used here is pure Python on top of
torch: when the extension cannot be loaded, a stub stands in for it and the import is tried again.
"""

import importlib
import sys
import types


def _extension_stub() -> types.ModuleType:
    stub = types.ModuleType("torchaudio._extension")
    stub._IS_TORCHAUDIO_EXT_AVAILABLE = False  # type: ignore[attr-defined]
    stub._IS_ALIGN_AVAILABLE = False  # type: ignore[attr-defined]
    stub.fail_if_no_align = lambda function: function  # type: ignore[attr-defined]
    return stub


def import_torchaudio() -> types.ModuleType:
    """torchaudio, with its compiled extension replaced by a stub where that cannot be loaded."""
    try:
        return importlib.import_module("torchaudio")
    except (OSError, RuntimeError):
        for name in [n for n in sys.modules if n.split(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules["torchaudio._extension"] = _extension_stub()
        return importlib.import_module("torchaudio")


torchaudio = import_torchaudio()
importlib.import_module("torchaudio.functional")
importlib.import_module("torchaudio.transforms")
