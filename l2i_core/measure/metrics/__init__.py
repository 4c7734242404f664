"""Metrics: pure functions on arrays here (section 4.1 and the wider literature), and in the files
of this folder those that are columns of every table, see `registry`.

Every function validates its input (ValueError) and states its formula; n clips, C classes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from l2i_core.task import ONE_CLASS

# scipy and sklearn are imported where they are needed: together 1.5 s of the app's start.
Array = NDArray[np.float64]


def top_k_fidelity(classifier_logits: ArrayLike, interpreter_logits: ArrayLike, k: int) -> float:
    """Share of clips whose class by f is among the interpreter's k highest; (n, C), (n, C)."""
    theirs, ours = _pair(classifier_logits, interpreter_logits)
    if k < 1:
        raise ValueError(f"k must be at least 1, received {k}.")
    top = np.argsort(-ours, axis=1, kind="stable")[:, :k]
    return float((top == theirs.argmax(axis=1)[:, None]).any(axis=1).mean())


def accuracy(logits: ArrayLike, labels: ArrayLike) -> float:
    """Share of clips whose highest logit is the label's; (n, C), (n,)."""
    values, truth = _matrix(logits), np.asarray(labels)
    if truth.shape != (len(values),):
        raise ValueError(f"{len(values)} clips but labels of shape {truth.shape}.")
    return float((values.argmax(axis=1) == truth).mean())


def relative_faithfulness(drops: ArrayLike, spans: ArrayLike) -> Array:
    """FF on the common scale: FF_x / (f(x)_c − f(silence)_c) per clip (n,).

    NaN where the span is NaN or not positive: there is nothing to lose.
    """
    values, scale = _vector(drops), np.asarray(spans, dtype=np.float64)
    if scale.shape != values.shape:
        raise ValueError(f"{len(values)} drops but spans of shape {scale.shape}.")
    out = np.full(len(values), np.nan)
    usable = scale > 0
    out[usable] = values[usable] / scale[usable]
    return out


def quartiles(values: ArrayLike) -> dict[str, float | None]:
    """Over the values that are numbers; None, which JSON can hold, where there is none."""
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[~np.isnan(numbers)]
    if numbers.size == 0:
        return {"median": None, "q25": None, "q75": None}
    q25, median, q75 = np.quantile(numbers, (0.25, 0.5, 0.75)).tolist()
    return {"median": median, "q25": q25, "q75": q75}


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Spearman's ρ of two rankings (n,); NaN where either is constant, or has one number."""
    from scipy import stats

    a, b = (np.asarray(values, dtype=np.float64) for values in (first, second))
    if a.size < 2 or min(np.ptp(a), np.ptp(b)) == 0:
        return float("nan")
    return float(stats.spearmanr(a, b).statistic)


def structural_similarity(first: ArrayLike, second: ArrayLike) -> float:
    """SSIM of two pictures (F, T) in [0, 1] (Wang et al. 2004): 1 for the same one.

    As its authors compute it: a Gaussian window of 11 × 11 points, σ 1.5, K₁ .01, K₂ .03, the mean
    over all places where the window lies inside. ValueError for other or smaller shapes.
    """
    from scipy.ndimage import gaussian_filter

    x, y = (np.asarray(picture, dtype=np.float64) for picture in (first, second))
    radius = 5
    if x.shape != y.shape or x.ndim != 2 or min(x.shape) <= 2 * radius:
        raise ValueError(
            f"SSIM needs two pictures of one shape, 11 × 11 points or more; received {x.shape} and "
            f"{y.shape}."
        )

    def local(picture: NDArray[np.float64]) -> NDArray[np.float64]:
        return gaussian_filter(picture, 1.5, radius=radius)[radius:-radius, radius:-radius]

    mean_x, mean_y, c1, c2 = local(x), local(y), 0.01**2, 0.03**2
    variance_x, variance_y = local(x * x) - mean_x**2, local(y * y) - mean_y**2
    covariance = local(x * y) - mean_x * mean_y
    alike = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float(np.mean(alike / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))))


def si_sdr(estimate: ArrayLike, reference: ArrayLike) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019); (n,), (n,).

    10 log10(‖a s‖² / ‖a s − ŝ‖²) with a = ⟨ŝ, s⟩ / ‖s‖². −inf for a silent estimate.
    Raises ValueError for a silent reference.
    """
    guess, truth = _vector(estimate), _vector(reference)
    if len(guess) != len(truth):
        raise ValueError(f"estimate has {len(guess)} samples, reference {len(truth)}.")
    power = float(truth @ truth)
    if power == 0:
        raise ValueError("SI-SDR needs a reference that is not silent.")
    scaled = float(guess @ truth) / power * truth
    target, noise = float(scaled @ scaled), float(np.sum((scaled - guess) ** 2))
    if target == 0:
        return float("-inf")
    return float("inf") if noise == 0 else 10 * float(np.log10(target / noise))


def correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Pearson's r of two signals (n,), (n,): the cosine of what is left when each has lost its
    mean. NaN where either is constant."""
    a, b = _vector(first), _vector(second)
    if len(a) != len(b):
        raise ValueError(f"{len(a)} samples against {len(b)}: a correlation needs as many.")
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.corrcoef(a, b)[0, 1])


@dataclass(frozen=True, slots=True)
class Detection:
    """How well scores find the classes that are there: the area under precision and recall as the
    mean over classes that are there at least once (macro) and over all pairs of clip and class
    (micro), and the best micro F1 over all thresholds (section 4.2, Table 3)."""

    macro_auprc: float
    micro_auprc: float
    max_f1: float


def detection(scores: ArrayLike, present: ArrayLike) -> Detection:
    """scores (clips, classes), present (clips, classes) of 0 and 1.

    Raises ValueError where no class is present anywhere.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    values = _matrix(scores)
    truth = np.asarray(present, dtype=bool)
    if truth.shape != values.shape:
        raise ValueError(f"scores have shape {values.shape}, the truth {truth.shape}.")
    some = truth.any(axis=0)
    if not some.any():
        raise ValueError("no class is present in any clip, so nothing can be found.")
    each = [average_precision_score(truth[:, c], values[:, c]) for c in np.flatnonzero(some)]
    precision, recall, _ = precision_recall_curve(truth.ravel(), values.ravel())
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    micro = average_precision_score(truth.ravel(), values.ravel())
    return Detection(float(np.mean(each)), float(micro), float(f1.max()))


@dataclass(frozen=True, slots=True)
class PairedTest:
    """n pairs, in how many the first is greater, the median difference (0 where they are tied), and
    the two-sided p of Wilcoxon's signed-rank test (1 where no pair differs)."""

    n: int
    greater: int
    median_difference: float
    p: float


def paired_test(
    first: ArrayLike, second: ArrayLike, resolution: ArrayLike = ONE_CLASS.resolution
) -> PairedTest:
    """Wilcoxon's signed-rank test of first − second over paired drops of f's logit (n,), (n,).

    Pairs that differ by at most `resolution` (in the drops' scale; one number, or one for each
    pair) are ties: neither is greater, and they are left out of the ranks (Wilcoxon's own
    treatment).
    """
    from scipy import stats

    a, b = _vector(first), _vector(second)
    if len(a) != len(b):
        raise ValueError(f"{len(a)} values against {len(b)}: pairs are needed.")
    difference = np.where(np.abs(a - b) > resolution, a - b, 0.0)
    p = 1.0
    if difference.any():
        p = float(stats.wilcoxon(difference, zero_method="wilcox", alternative="two-sided").pvalue)
    return PairedTest(len(a), int((difference > 0).sum()), float(np.median(difference)), p)


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share."""
    from scipy import stats

    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"expected 0 to n successes of at least one, received {successes} of {n}.")
    found = stats.binomtest(successes, n).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def _matrix(values: ArrayLike) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"expected finite logits (clips, classes), received shape {array.shape}.")
    return array


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[Array, Array]:
    a, b = _matrix(first), _matrix(second)
    if a.shape != b.shape:
        raise ValueError(f"logits of different shapes: {a.shape} and {b.shape}.")
    return a, b


def _vector(values: ArrayLike) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"expected a non-empty, finite vector, received shape {array.shape}.")
    return array
