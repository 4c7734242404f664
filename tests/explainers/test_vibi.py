"""VIBI: k chunks are kept, they alone decide, and it can learn which ones matter."""

import math

import pytest
import torch

from l2i_core.explainers import vibi
from l2i_core.explainers.training import Given
from l2i_core.explainers.vibi import GRID, Vibi, chunk_mask
from l2i_core.task import ONE_CLASS

CHUNKS = GRID[0] * GRID[1]


def new_model(kept: int = 5) -> Vibi:
    torch.manual_seed(0)
    return Vibi(3, kept, offset=-40.0, scale=20.0)


def log_mels(n: int) -> torch.Tensor:
    return -40 + 20 * torch.randn(n, 128, 160, generator=torch.Generator().manual_seed(0))


def terms_of(model: Vibi, log_mel: torch.Tensor, logits: torch.Tensor) -> dict[str, torch.Tensor]:
    settings = vibi.Settings(fidelity=1.0, compression=1.0, temperature=0.5)
    return settings.loss_terms(model, Given(log_mel, log_mel, [], logits, ONE_CLASS))


@pytest.mark.parametrize("kept", [1, 5, CHUNKS])
def test_the_choice_is_k_hot(kept: int) -> None:
    chunks, _ = new_model(kept).eval()(log_mels(4))
    assert chunks.shape == (4, CHUNKS)
    assert set(chunks.unique().tolist()) <= {0.0, 1.0}
    assert chunks.sum(dim=1).tolist() == [kept] * 4


def test_the_choice_takes_the_best_scores() -> None:
    scores = torch.arange(CHUNKS, dtype=torch.float32).unsqueeze(0)
    assert new_model(3).choose(scores)[0].nonzero().flatten().tolist() == [37, 38, 39]


@pytest.mark.parametrize("kept", [0, CHUNKS + 1])
def test_an_impossible_number_of_chunks_is_refused(kept: int) -> None:
    with pytest.raises(ValueError, match="1 to 40 chunks"):
        Vibi(3, kept)


def test_scores_are_log_probabilities() -> None:
    total = new_model().eval().scores(log_mels(2)).exp().sum(dim=1)
    torch.testing.assert_close(total, torch.ones(2))


def test_relaxed_samples_lie_between_0_and_1_and_carry_gradients() -> None:
    scores = torch.log_softmax(torch.randn(2, CHUNKS), dim=1).requires_grad_()
    sample = new_model().sample(scores, 0.5)
    assert (sample > 0).all()
    assert (sample < 1).all()
    sample.sum().backward()
    assert scores.grad is not None
    assert float(scores.grad.abs().sum()) > 0


def test_a_sample_of_sure_scores_is_their_choice() -> None:
    scores = torch.full((1, CHUNKS), -30.0)
    scores[0, 7] = 0.0
    sample = new_model(kept=1).sample(torch.log_softmax(scores, dim=1), 0.5)
    assert float(sample[0, 7]) > 0.99


def test_the_mask_divides_time_into_ten_and_mel_into_four() -> None:
    chunks = torch.zeros(1, CHUNKS)
    chunks[0, 1 * GRID[1] + 2] = 1  # second stretch of time, third quarter of the bands
    mask = chunk_mask(chunks, 128, 310)[0]
    rows, columns = mask.nonzero(as_tuple=True)
    assert (rows.min(), rows.max()) == (64, 95)
    assert (columns.min(), columns.max()) == (31, 61)
    assert float(mask.sum()) == 32 * 31


def test_the_approximator_hears_only_what_is_kept() -> None:
    model, log_mel = new_model(kept=4).eval(), log_mels(1)
    chunks, logits = model(log_mel)
    outside = chunk_mask(chunks, 128, 160) == 0
    quiet = float(log_mel.min())
    changed = torch.where(outside, log_mel.roll(3, dims=2).clamp_min(quiet), log_mel)
    changed[0, 0, 0] = changed[0, 0, 0] if not outside[0, 0, 0] else quiet  # the same floor
    torch.testing.assert_close(model.approximate(changed, chunks), logits)
    inside = torch.where(outside, log_mel, log_mel - 10)
    assert (model.approximate(inside, chunks) - logits).abs().max() > 1e-4


def test_the_bottleneck_is_the_divergence_from_the_uniform_prior() -> None:
    class Fixed(Vibi):
        def scores(self, log_mel: torch.Tensor) -> torch.Tensor:
            return given

    torch.manual_seed(0)
    model, logits = Fixed(3, 2), torch.zeros(1, 3)
    given = torch.full((1, CHUNKS), -math.log(CHUNKS))
    terms = terms_of(model, log_mels(2)[:1], logits)
    assert float(terms["compression"]) == pytest.approx(0, abs=1e-5)
    given = torch.full((1, CHUNKS), -1e4)
    given[0, 3] = 0
    terms = terms_of(model, log_mels(1), logits)
    assert float(terms["compression"]) == pytest.approx(math.log(CHUNKS), rel=1e-5)


def test_it_overfits_a_few_clips_and_finds_what_decides() -> None:
    """The class is a tone in one of three places, over noise."""
    torch.manual_seed(0)
    model = Vibi(3, kept=8, offset=-40.0, scale=20.0)
    places = [(16, 12), (48, 36), (112, 60)]
    clips = torch.full((3, 128, 80), -60.0) + torch.rand(3, 128, 80)
    for clip, (band, frame) in zip(clips, places, strict=True):
        clip[band - 12 : band + 12, frame - 3 : frame + 3] = 0.0
    logits = 8 * torch.eye(3)
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    losses = []
    for _ in range(80):
        terms = terms_of(model, clips, logits)
        losses.append(terms["fidelity"].item())
        optimizer.zero_grad()
        (terms["fidelity"] + 0.02 * terms["compression"]).backward()
        optimizer.step()
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])
    chunks, theirs = model.eval()(clips)
    assert theirs.argmax(dim=1).tolist() == [0, 1, 2]
    kept = chunk_mask(chunks, 128, 80)
    found = [float(kept[i, band, frame]) for i, (band, frame) in enumerate(places)]
    assert sum(found) >= 2  # the third class can be told by what is absent
