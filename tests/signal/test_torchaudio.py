"""torchaudio works beside a CPU torch: what is used of it is there, and the stub steps in."""

import importlib
import sys
import types

import librosa
import numpy as np
import pytest
import torch

from l2i_core.signal import _torchaudio
from l2i_core.signal._torchaudio import import_torchaudio, torchaudio


def test_mel_filters_equal_librosas() -> None:
    ours = torchaudio.functional.melscale_fbanks(
        513, 0.0, 22050.0, 128, 44100, norm="slaney", mel_scale="slaney"
    ).T
    theirs = librosa.filters.mel(sr=44100, n_fft=1024, n_mels=128)
    np.testing.assert_allclose(ours.numpy(), theirs, atol=5e-7)


def test_noise_is_added_at_the_snr() -> None:
    signal, noise = torch.randn(2, 8000, generator=torch.Generator().manual_seed(0))
    added = torchaudio.functional.add_noise(signal, noise, torch.tensor(6.0)) - signal
    assert float(10 * torch.log10(signal.square().sum() / added.square().sum())) == pytest.approx(
        6.0, abs=1e-3
    )


@pytest.mark.parametrize("error", [OSError("libc10_cuda.so"), RuntimeError("not compiled")])
def test_failed_load_is_repeated_with_a_stub(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    half_imported = "torchaudio.half_imported"
    before = {n: m for n, m in sys.modules.items() if n.split(".")[0] == "torchaudio"}
    stub, attempts = types.ModuleType("torchaudio"), 0

    def fails_once(name: str) -> types.ModuleType:
        nonlocal attempts
        assert name == "torchaudio"
        attempts += 1
        if attempts == 1:
            sys.modules[half_imported] = types.ModuleType(half_imported)
            raise error
        assert half_imported not in sys.modules, "half-imported modules must be dropped"
        extension = sys.modules["torchaudio._extension"]
        assert extension._IS_TORCHAUDIO_EXT_AVAILABLE is False
        assert extension._IS_ALIGN_AVAILABLE is False
        assert extension.fail_if_no_align(len) is len
        return stub

    monkeypatch.setattr(importlib, "import_module", fails_once)
    try:
        assert import_torchaudio() is stub
        assert attempts == 2
    finally:
        for name in [n for n in sys.modules if n.split(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules.update(before)


def test_absent_torchaudio_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> types.ModuleType:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(_torchaudio.importlib, "import_module", absent)
    with pytest.raises(ModuleNotFoundError):
        import_torchaudio()
