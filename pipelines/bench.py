"""How long things take: `python -m pipelines.bench [--bundle esc10]`.

Times are medians on this machine, noisy by nature; the ratios in the last column compare two
things measured in the same run.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
import timeit
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from sklearn.decomposition import NMF

from l2i_core import L2I
from l2i_core.arguments import Parser
from l2i_core.data import synth
from l2i_core.dictionary.nmf import sparse_nmf
from pipelines.runs import main_guard

ROOT = Path(__file__).resolve().parent.parent


def median_seconds(action: Callable[[], object], repeats: int = 9) -> float:
    """Median wall time of `action` after one warm-up."""
    action()
    return statistics.median(timeit.repeat(action, number=1, repeat=repeats))


def engine_rows(bundle: str) -> list[tuple[str, float, str]]:
    """analyse against its bare networks, one τ change, all levels against one by one."""
    engine = L2I.from_bundle(bundle)
    rate = engine.audio.sample_rate
    clip = synth.scene(("dog", "rain"), seed=3, sample_rate=rate).mixture
    analysis = engine.analyse(clip, rate)
    x, patterns = analysis.spectrogram.log_magnitude, analysis.patterns
    sound = analysis.waveform * analysis.gain

    def networks() -> None:
        with torch.inference_mode():
            (heard,) = engine.hearing.hear(sound, x)
            engine.explainer.activations(heard, x, patterns)

    def from_sound() -> None:
        with torch.inference_mode():
            engine.classifier.hear(sound[None])

    def from_spectrogram() -> None:
        with torch.inference_mode():
            next(engine.hearing.hear(sound, x))

    thresholds = tuple(round(0.05 * i, 2) for i in range(20))

    def one_by_one() -> None:
        for threshold in thresholds:
            engine.judge(analysis, engine.interpret(analysis, None, threshold))

    bare = median_seconds(networks)
    heard, shortcut = median_seconds(from_sound), median_seconds(from_spectrogram)
    whole = median_seconds(lambda: engine.analyse(clip, rate))
    change = median_seconds(lambda: engine.interpret(analysis, None, 0.3))
    levels = median_seconds(lambda: engine.sweep(analysis, None, thresholds), 3)
    single = median_seconds(one_by_one, 3)
    return [
        ("f and Ψ alone, 5 s clip", bare, "1"),
        ("f alone, from sound", heard, f"{heard / shortcut:.2f} × from its STFT"),
        ("analyse", whole, f"{whole / bare:.2f} × f and Ψ"),
        ("one τ change (mask and inverse STFT)", change, f"{change / bare:.2f} × f and Ψ"),
        ("20 τ levels one by one, with verdicts", single, "1"),
        ("20 τ levels at once, with verdicts", levels, f"{levels / single:.2f} × one by one"),
    ]


def nmf_rows() -> list[tuple[str, float, str]]:
    """Seconds per iteration against scikit-learn's multiplicative updates on the same matrix."""
    matrix = np.abs(np.random.default_rng(0).standard_normal((513, 8000))).astype(np.float32)
    few, many = 2, 12

    def theirs(iterations: int) -> float:
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converged: it was not asked to
            model = NMF(100, init="random", solver="mu", max_iter=iterations, tol=0, random_state=0)
            model.fit(matrix.T)
        return time.perf_counter() - start

    def ours(iterations: int) -> float:
        start = time.perf_counter()
        sparse_nmf(torch.from_numpy(matrix), 100, 0.2, iterations)
        return time.perf_counter() - start

    reference = (theirs(many) - theirs(few)) / (many - few)
    measured = (ours(many) - ours(few)) / (many - few)
    return [
        ("scikit-learn NMF (mu), an iteration, 513 × 8000, K = 100", reference, "1"),
        (
            "sparse NMF, an iteration, the same matrix",
            measured,
            f"{measured / reference:.2f} × scikit-learn",
        ),
    ]


def cold_start() -> float:
    """Seconds from starting the app's process until its first page has run without a browser."""
    script = (
        "from streamlit.testing.v1 import AppTest;"
        "t = AppTest.from_file('app.py', default_timeout=120).run(); assert not t.exception"
    )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - start


def main(argv: list[str] | None = None) -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("--bundle", default="esc10")
    arguments = parser.parse_args(argv)
    rows = engine_rows(arguments.bundle) + nmf_rows()
    rows.append(("cold start: process to first page", cold_start(), ""))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{os.cpu_count()} cores, torch {torch.__version__}, {torch.get_num_threads()} threads")
    for name, seconds, note in rows:
        print(f"{name:<60} {1000 * seconds:>10.1f} ms   {note}")
    print(f"{'memory peak of this process':<60} {peak:>10.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
