"""Reading, resampling, STFT, INV and log-mel against analytic values and librosa."""

import io
import struct
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch
from conftest import WriteClip

from l2i_core.data import synth
from l2i_core.signal import audio, condition, decoding, spectra
from l2i_core.signal.spectra import AudioConfig
from l2i_core.strict import build

CD = AudioConfig()
K16 = AudioConfig(sample_rate=16000, n_fft=1024, win_length=512, hop_length=256)
FORMATS = [
    ("wav", "PCM_16"),
    ("wav", "PCM_24"),
    ("wav", "FLOAT"),
    ("flac", "PCM_16"),
    ("aiff", "PCM_16"),
    ("ogg", "VORBIS"),
    ("mp3", "MPEG_LAYER_III"),
]
LOSSY = {"ogg", "mp3"}


def _tones(rate: int, channels: int, seconds: float = 0.5) -> np.ndarray:
    """A tone per channel, 300 Hz and up, (n, channels)."""
    time = np.arange(round(rate * seconds)) / rate
    frequencies = 300.0 * (1 + np.arange(channels))
    return (0.5 * np.sin(2 * np.pi * time[:, None] * frequencies)).astype(np.float32)


def _error_db(estimate: np.ndarray, truth: np.ndarray) -> float:
    difference = np.sum(np.square(np.asarray(estimate, dtype=float) - truth))
    return 10 * float(np.log10(max(difference, 1e-300) / np.sum(np.square(truth, dtype=float))))


# Settings


def test_settings_derive_bins_and_frames() -> None:
    assert (CD.n_bins, CD.n_frames(220500)) == (513, 431)
    assert (K16.n_bins, K16.n_frames(80000)) == (513, 313)


@pytest.mark.parametrize(
    "values",
    [
        {"sample_rate": 0},
        {"n_mels": -1},
        {"n_fft": 1024.0},
        {"win_length": 2048},
        {"hop_length": 600},
        {"sample_rate": True},
        {"f_min": 30000.0},
        {"f_max": 30000.0},
        {"f_min": -1.0},
        {"top_db": 0.0},
        {"top_db": "80"},
    ],
)
def test_impossible_settings_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"audio"):
        build(AudioConfig, values, "audio: ")


def test_unknown_setting_is_named() -> None:
    with pytest.raises(ValueError, match="'n_ftt'"):
        build(AudioConfig, {"sample_rate": 16000, "n_ftt": 512})


# STFT and INV


@pytest.mark.parametrize("config", [CD, K16], ids=["44.1 kHz", "16 kHz"])
@pytest.mark.parametrize("seconds", [0.1, 1.2345, 5.0])
@pytest.mark.parametrize("label", ["dog", "rain"])
def test_inverse_rebuilds_the_clip(config: AudioConfig, seconds: float, label: str) -> None:
    clip = torch.from_numpy(synth.clip(label, 3, config.sample_rate, max(seconds, 0.1)))
    spectrogram = spectra.spectrogram(clip, config)
    back = spectra.invert(spectrogram.log_magnitude, spectrogram.phase, spectrogram.length, config)
    assert back.shape == clip.shape
    assert _error_db(back.numpy(), clip.numpy()) < -100


def test_short_clip_is_padded_and_cut_back() -> None:
    clip = torch.from_numpy(synth.clip("sneezing", 1, 44100, 0.2))
    spectrogram = spectra.spectrogram(clip, CD, min_length=65024)
    assert spectrogram.log_magnitude.shape == (513, 128)
    back = spectra.invert(spectrogram.log_magnitude, spectrogram.phase, spectrogram.length, CD)
    assert back.shape == clip.shape
    assert _error_db(back.numpy(), clip.numpy()) < -100


@pytest.mark.parametrize("config", [CD, K16], ids=["44.1 kHz", "16 kHz"])
@pytest.mark.parametrize("length", [1100, 5120, 5121, 22050, 22527, 22528])
def test_stft_is_torchs_in_double_precision(config: AudioConfig, length: int) -> None:
    waves = torch.randn(2, length, generator=torch.Generator().manual_seed(0))
    expected = torch.stft(
        waves.double(),
        config.n_fft,
        config.hop_length,
        config.win_length,
        torch.hann_window(config.win_length, dtype=torch.float64),
        return_complex=True,
    ).to(torch.complex64)
    assert config.n_frames(length) == expected.shape[-1]
    torch.testing.assert_close(spectra.stft(waves, config), expected, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(spectra.stft(waves[0], config), expected[0], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("config", [CD, K16], ids=["44.1 kHz", "16 kHz"])
@pytest.mark.parametrize("length", [20480, 20481, 22527])
@pytest.mark.parametrize("size", [1, 7, 20])
def test_stft_in_pieces_is_the_stft(config: AudioConfig, length: int, size: int) -> None:
    wave = torch.randn(length, generator=torch.Generator().manual_seed(0))
    frames = config.n_frames(length)
    pieces = [
        spectra.stft_frames(wave, start, min(start + size, frames), config)
        for start in range(0, frames, size)
    ]
    whole = spectra.stft(wave, config)
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, atol=1e-6, rtol=1e-6)


def test_long_spectrograms_are_made_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = torch.from_numpy(synth.clip("dog", 3, 44100, 1.0))
    whole = spectra.spectrogram(clip, CD)
    monkeypatch.setattr(spectra, "CHUNK_FRAMES", 11)
    pieces = spectra.spectrogram(clip, CD)
    torch.testing.assert_close(pieces.log_magnitude, whole.log_magnitude, atol=1e-6, rtol=1e-6)
    back = spectra.invert(pieces.log_magnitude, pieces.phase, pieces.length, CD)
    assert _error_db(back.numpy(), clip.numpy()) < -100


def test_log_magnitude_is_log1p_of_the_windowed_dft() -> None:
    clip = synth.clip("rooster", 2, 44100, 1.0)
    frame, start = 10, 10 * CD.hop_length - CD.n_fft // 2
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(CD.n_fft) / CD.n_fft)
    expected = np.log(1 + np.abs(np.fft.rfft(hann * clip[start : start + CD.n_fft])))
    ours = spectra.log_magnitude(torch.from_numpy(clip), CD)[:, frame].numpy()
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_compress_inverts_magnitude() -> None:
    x = torch.linspace(0, 6, 200)
    torch.testing.assert_close(spectra.compress(spectra.magnitude(x)), x)
    assert float(spectra.magnitude(torch.zeros(1))) == 0.0


# Log-mel


@pytest.mark.parametrize("config", [CD, K16], ids=["44.1 kHz", "16 kHz"])
@pytest.mark.parametrize("label", ["dog", "clock_tick", "rain", "helicopter", "band-limited"])
def test_log_mel_equals_librosas(config: AudioConfig, label: str) -> None:
    if label == "band-limited":  # as a codec leaves it: nothing at all above 5 kHz
        spectrum = np.fft.rfft(synth.clip("rain", 7, config.sample_rate))
        spectrum[len(spectrum) * 10000 // config.sample_rate :] = 0
        clip = np.fft.irfft(spectrum).astype(np.float32)
    else:
        clip = synth.clip(label, 7, config.sample_rate)
    ours = spectra.log_mel(spectra.stft(torch.from_numpy(clip), config).abs(), config).numpy()
    magnitude = np.abs(
        librosa.stft(
            clip,
            n_fft=config.n_fft,
            hop_length=config.hop_length,
            win_length=config.win_length,
            pad_mode="reflect",
        )
    )
    mel = librosa.filters.mel(sr=config.sample_rate, n_fft=config.n_fft, n_mels=128) @ magnitude
    theirs = librosa.power_to_db(mel, ref=1.0, top_db=80.0)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 1e-3


def test_floor_is_each_signals_own() -> None:
    loud = torch.from_numpy(synth.clip("dog", 7, 44100, 2.0))
    both = spectra.stft(torch.stack([loud, 1e-4 * loud]), CD).abs()
    together = spectra.log_mel(both, CD)
    alone = torch.stack([spectra.log_mel(one, CD) for one in both])
    torch.testing.assert_close(together, alone)
    span = together.amax(dim=(1, 2)) - together.amin(dim=(1, 2))
    assert float(span.max()) <= 80.0 + 1e-3


def test_log_mel_of_silence_is_librosas_floor() -> None:
    assert bool((spectra.log_mel(torch.zeros(513, 4), CD) == -100.0).all())


def test_log_mel_is_differentiable() -> None:
    magnitude = torch.rand(513, 5, generator=torch.Generator().manual_seed(0), requires_grad=True)
    spectra.log_mel(magnitude, CD).sum().backward()
    assert magnitude.grad is not None
    assert bool(torch.isfinite(magnitude.grad).all())
    assert float(magnitude.grad.abs().max()) > 0


def test_mel_frequencies_rise_as_librosas() -> None:
    ours = spectra.mel_frequencies(CD)
    theirs = librosa.mel_frequencies(n_mels=130, fmin=0.0, fmax=22050.0)[1:-1]
    assert bool((np.diff(ours) > 0).all())
    assert np.abs(ours - theirs).max() < 44100 / 1024 * 4  # within a few bins


# Griffin-Lim


def test_griffin_lim_approaches_the_magnitudes() -> None:
    clip = torch.from_numpy(synth.clip("rooster", 2, 44100, 1.5))
    target = spectra.log_magnitude(clip, CD)
    before = torch.random.get_rng_state()
    found = spectra.griffin_lim(target, len(clip), CD)
    assert found.shape == clip.shape
    wanted = spectra.magnitude(target)
    reached = spectra.stft(found, CD).abs()
    assert float((reached - wanted).norm() / wanted.norm()) < 0.3
    assert torch.equal(spectra.griffin_lim(target, len(clip), CD), found), "seeded"
    assert torch.equal(torch.random.get_rng_state(), before), "the caller's randomness is kept"


# Resampling and down-mixing


@pytest.mark.parametrize(
    ("rate", "target"), [(8000, 44100), (48000, 44100), (192000, 44100), (44100, 16000)]
)
def test_resampled_sine_has_its_analytic_values(rate: int, target: int) -> None:
    config = AudioConfig(sample_rate=target)
    frequency, seconds = 1000.0, 0.5
    source = np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)
    ours = audio.prepare(source, rate, config).numpy()
    assert abs(len(ours) - target * seconds) <= 1
    truth = np.sin(2 * np.pi * frequency * np.arange(len(ours)) / target)
    inner = slice(len(ours) // 5, -len(ours) // 5)
    assert np.abs(ours[inner] - truth[inner]).max() < 1e-3


def test_what_the_rate_cannot_carry_is_removed() -> None:
    source = np.sin(2 * np.pi * 12000 * np.arange(22050) / 44100)
    ours = audio.prepare(source, 44100, K16).numpy()
    assert np.abs(ours[800:-800]).max() < 1e-3


def test_channels_are_averaged() -> None:
    left, right = _tones(44100, 2).T
    ours = audio.prepare(np.stack([left, right]), 44100, CD).numpy()
    np.testing.assert_allclose(ours, (left + right) / 2, atol=1e-7)
    assert float(audio.prepare(np.stack([left, -left]), 44100, CD).abs().max()) == 0.0


def test_gain_brings_the_peak_to_one() -> None:
    clip = torch.tensor([0.1, -0.25, 0.2])
    assert float((clip * audio.peak_gain(clip)).abs().max()) == pytest.approx(1.0)
    assert audio.peak_gain(torch.zeros(100)) == 1.0


@pytest.mark.parametrize(
    ("waveform", "rate", "sentence"),
    [
        (np.full(44100, np.nan, np.float32), 44100, "NaN or infinite"),
        (np.full(44100, np.inf, np.float32), 44100, "NaN or infinite"),
        (np.zeros(0, np.float32), 44100, "empty"),
        (np.zeros((2, 0), np.float32), 44100, "empty"),
        (np.zeros(2205, np.float32), 44100, r"0\.050 s"),
        (np.zeros((1, 2, 44100), np.float32), 44100, "shape"),
        (np.zeros(44100, np.float32), 0, "rate"),
        (np.zeros(44100, np.float32), 44100.0, "rate"),
        (np.zeros(8000 * 60 * 20 + 8000, np.float32), 8000, "minutes"),
    ],
    ids=["NaN", "inf", "empty", "empty stereo", "0.05 s", "axes", "rate 0", "float rate", "long"],
)
def test_impossible_waveforms_are_refused(waveform: np.ndarray, rate: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        audio.prepare(waveform, rate, CD)


def test_a_tenth_of_a_second_is_accepted() -> None:
    assert len(audio.prepare(np.zeros(4410), 44100, CD)) == 4410


# Files


@pytest.mark.parametrize(("suffix", "subtype"), FORMATS)
@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize("rate", [8000, 44100, 192000])
def test_any_format_rate_and_channels_are_read(
    write_clip: WriteClip, suffix: str, subtype: str, channels: int, rate: int
) -> None:
    if suffix == "mp3":  # what the format itself allows
        channels, rate = min(channels, 2), min(rate, 48000)
    samples = _tones(rate, channels)
    path = write_clip(f"a.{suffix}", samples, rate, subtype=subtype)
    read, read_rate = audio.read(path)
    assert read_rate == rate
    assert read.dtype == np.float32
    assert read.shape == samples.T.shape
    if suffix in LOSSY:
        assert _error_db(read, samples.T) < -15
    else:
        np.testing.assert_allclose(read, samples.T, atol=1 / 2**15)


def test_upload_is_read_like_its_file(write_clip: WriteClip) -> None:
    path = write_clip("a.flac", _tones(44100, 2))
    np.testing.assert_array_equal(audio.read(io.BytesIO(path.read_bytes()))[0], audio.read(path)[0])


def test_written_sound_is_read_back_bit_for_bit(tmp_path: Path) -> None:
    samples = 3.0 * _tones(16000, 1)[:, 0]  # over full scale: nothing is clipped or normalised
    audio.write(tmp_path / "new" / "x.wav", samples, 16000)
    read, rate = audio.read(tmp_path / "new" / "x.wav")
    assert rate == 16000
    np.testing.assert_array_equal(read[0], samples)
    assert soundfile.info(tmp_path / "new" / "x.wav").subtype == "FLOAT"


def test_unwritable_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder.wav").mkdir()
    for path in (tmp_path / "file" / "x.wav", tmp_path / "folder.wav"):
        with pytest.raises(ValueError, match=f"cannot write .*{path.name}"):
            audio.write(path, np.zeros(100), 44100)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.wav"]


def test_failed_write_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.wav"
    audio.write(path, _tones(44100, 1)[:, 0], 44100)
    old = path.read_bytes()

    def breaks(part: Path, *_: object, **__: object) -> None:
        Path(part).write_bytes(b"RIFF half")
        raise soundfile.LibsndfileError(3)

    monkeypatch.setattr(soundfile, "write", breaks)
    with pytest.raises(ValueError, match=r"cannot write .*x\.wav"):
        audio.write(path, _tones(44100, 1)[:, 0], 44100)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["x.wav"]


@pytest.mark.parametrize(
    ("suffix", "subtype"), [f for f in FORMATS if f[1] not in ("PCM_24", "FLOAT")]
)
@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("upload", [False, True])
def test_truncated_file_is_refused(
    write_clip: WriteClip, suffix: str, subtype: str, share: float, upload: bool
) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(88200)
    path = write_clip(f"a.{suffix}", noise, subtype=subtype)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ValueError, match=r"truncated|cannot be read"):
        audio.read(io.BytesIO(path.read_bytes()) if upload else path)


def test_ogg_cut_anywhere_in_its_last_page_is_refused(write_clip: WriteClip) -> None:
    whole = write_clip("a.ogg", 0.1 * np.random.default_rng(0).standard_normal(88200)).read_bytes()
    last = len(whole) - whole.rindex(b"OggS")
    for missing in (1, last // 2, last - 27, last - 20, last - 4, last):
        with pytest.raises(ValueError, match="truncated"):
            audio.read(io.BytesIO(whole[:-missing]))


@pytest.mark.parametrize("announced", [0xFFFFFFFF, 0x7FFFF000])
def test_piped_wav_of_unknown_length_is_read(write_clip: WriteClip, announced: int) -> None:
    path = write_clip("a.wav", _tones(44100, 1), subtype="PCM_16")
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = struct.pack("<I", announced)
    path.write_bytes(bytes(content))
    assert audio.read(path)[0].shape == (1, 22050)


@pytest.mark.parametrize("size", [0, 4])
def test_stray_bytes_after_the_sound_are_harmless(write_clip: WriteClip, size: int) -> None:
    path = write_clip("a.wav", _tones(44100, 1), subtype="PCM_16")
    path.write_bytes(path.read_bytes() + b"\0" * size)
    assert audio.read(path)[0].shape == (1, 22050)


def test_unreadable_files_are_refused_by_name(write_clip: WriteClip, tmp_path: Path) -> None:
    text = tmp_path / "notes.wav"
    text.write_text("This is no sound at all.\n" * 50)
    nothing = tmp_path / "nothing.flac"
    nothing.write_bytes(b"")
    no_samples = write_clip("no-samples.wav", np.zeros(0, np.float32))
    for path in (text, nothing, no_samples, tmp_path / "absent.wav", tmp_path):
        with pytest.raises(ValueError, match=path.name) as refused:
            audio.read(path)
        assert "\n" not in str(refused.value)


def test_over_twenty_minutes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros(8000 * 60 * 20 + 8000, np.int16), 8000, subtype="PCM_U8")
    with pytest.raises(ValueError, match="minutes"):
        audio.read(path)


def test_a_survey_tells_what_reading_would(write_clip: WriteClip, tmp_path: Path) -> None:
    sound = np.stack([np.linspace(-0.5, 0.25, 30000), np.linspace(-0.1, 0.25, 30000)], 1)
    path = write_clip("two.wav", sound, 16000, subtype="FLOAT")
    found = condition.of_file(path)
    seconds, peak = found.seconds, found.peak
    assert seconds == pytest.approx(30000 / 16000)
    assert peak == pytest.approx(float(np.abs(audio.read(path)[0].mean(0)).max()))
    sound[7] = np.nan
    for name, samples, sentence in (
        ("nan.wav", sound, "2 NaN"),
        ("short.wav", sound[100:200], "at least 0.1 s"),
        ("none.wav", sound[:0], "holds no sound"),
    ):
        with pytest.raises(ValueError, match=sentence):
            condition.of_file(write_clip(name, samples, 16000, subtype="FLOAT"))
    cut = tmp_path / "cut.wav"
    cut.write_bytes(path.read_bytes()[:90000])
    with pytest.raises(ValueError, match="truncated"):
        condition.of_file(cut)


def test_a_survey_and_a_part_have_no_longest_file(
    write_clip: WriteClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    ramp = np.linspace(0, 0.9, 80000, dtype=np.float32)
    path = write_clip("long.wav", ramp, 8000, subtype="FLOAT")
    monkeypatch.setattr(audio, "MAX_SECONDS", 5)
    monkeypatch.setattr(decoding, "_BLOCK", 1000)
    with pytest.raises(ValueError, match="minutes"):
        audio.read(path)
    found = condition.of_file(path)
    assert (found.seconds, found.peak) == (pytest.approx(10.0), pytest.approx(0.9))
    part, rate = audio.read_part(path, 7.0, 8.5)
    assert rate == 8000
    np.testing.assert_array_equal(part[0], ramp[56000:68000])
    assert audio.read_part(path, 9.5, 12.0)[0].shape == (1, 4000)
