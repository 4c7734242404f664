"""A folder of a Hugging Face model for audio classification, by transformers (an extra).

Read from the folder alone: nothing is downloaded, nothing is unpickled, no code of it runs. A front
end of `front_ends` lets gradients reach the waveform, once it has been compared with the model's
own; any other makes a black box.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2i_core.classifiers.faults import extra, first_line
from l2i_core.classifiers.foreign import LOGITS, Answer, Foreign, probe_sounds
from l2i_core.classifiers.front_ends import front_end
from l2i_core.classifiers.maps import Layout
from l2i_core.classifiers.protocol import CLASSIFIERS, MIN_SECONDS, Layer
from l2i_core.weights import freeze

BATCH = 4  # sounds at once, of models of a hundred million weights
MAPS = 4  # hidden layers that may be read, evenly spread, the last among them
_EQUAL = 1e-3  # how far a front end may be from the model's own
_CONFIG, _FRONT_END = "config.json", "preprocessor_config.json"
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


@CLASSIFIERS.add("huggingface")
class HuggingFace(Foreign):
    """AST, Wav2Vec2 / HuBERT / WavLM, Whisper's encoder, each with its classification head.

    classes: instead of the folder's own names, as many. ValueError, in one sentence, for a folder
    without a model, with pickled weights alone, with code of its own, or without a head.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        classes: Sequence[str] | None = None,
        sample_rate: int | None = None,
        multi_label: bool | None = None,
        outputs: str | None = None,
    ) -> None:
        self.folder = Path(folder).resolve()
        name = self.folder.name
        self._model, self._extractor = _loaded(self.folder)
        config, rate = self._model.config, int(self._extractor.sampling_rate)
        if sample_rate not in (None, rate):
            raise ValueError(
                f"{name} hears {rate} Hz ({_FRONT_END}), and the rate given is {sample_rate} Hz."
            )
        own = [str(config.id2label[i]) for i in range(config.num_labels)]
        if classes is not None and len(classes) != len(own):
            raise ValueError(
                f"{name} has {len(own)} classes ({_CONFIG}), and the list given has {len(classes)}."
            )
        if multi_label is None:
            multi_label = config.problem_type == "multi_label_classification"
        self._front = front_end(self._extractor, config)
        self._hidden: Sequence[Tensor] = ()
        kind, why = type(self._extractor).__name__, ""
        if self._front is None:
            why = f"{name} reads what {kind} makes, through which no gradient passes: a black box."
        elif (away := self._difference()) > _EQUAL:
            self._front = None
            why = f"{name}'s {kind} differs from ours by {away:.2g}, so it is a black box."
        super().__init__(
            name,
            rate,
            own if classes is None else classes,
            multi_label,
            outputs=outputs or LOGITS,
            batch=BATCH,
            shortest=round(MIN_SECONDS * rate),
            longest=self._front.longest if self._front else None,
        )
        if self._front:
            self._find_gradient()
        self.notes += (why,) if why else ()

    def config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        return {"folder": str(self.folder), "outputs": self.told}

    def features(self, sounds: Tensor) -> Tensor:
        """Sounds (B, n) → what the model reads, differentiable where the front end is known."""
        return self._front.features(sounds) if self._front else self._own_features(sounds)

    def _own_features(self, sounds: Tensor) -> Tensor:
        given = [sound.numpy() for sound in sounds.detach()]
        rate = self._extractor.sampling_rate
        made = self._extractor(given, sampling_rate=rate, return_tensors="np")
        return torch.from_numpy(np.asarray(made[self._model.main_input_name]))

    def _difference(self) -> float:
        """How far our front end is from the model's own, on sounds of a second."""
        rate = int(self._extractor.sampling_rate)
        sounds = probe_sounds(rate, rate, 5)
        ours, theirs = self.features(sounds), self._own_features(sounds)
        return float((ours - theirs).abs().max()) if ours.shape == theirs.shape else float("inf")

    def _ask(self, sounds: Tensor) -> Answer:
        features = {self._model.main_input_name: self.features(sounds)}
        made = self._model(**features, output_hidden_states=self._front is not None)
        hidden = made.hidden_states or ()
        return made.logits, [hidden[i] for i in self._read(len(hidden) - 1)] if hidden else []

    def _find_lengths(self) -> None:
        """They are known; a pass costs seconds, so silence alone is asked here, and noise for the
        gradient."""
        assert self.shortest is not None
        self._probed, self._hidden = self._answer(torch.zeros(1, self.shortest))

    def _find_layers(self) -> None:
        """Hidden layers are tokens whose step is known."""
        if self._front is None:
            return
        hidden = self._hidden
        self._layouts = tuple(Layout(1, 2, grid=self._front.grid) for _ in hidden)
        depth = self._model.config.num_hidden_layers
        self.layers = tuple(
            Layer(f"layer {i}", given.shape[2], self._front.step_seconds)
            for i, given in zip(self._read(depth), hidden, strict=True)
        )

    @staticmethod
    def _read(depth: int) -> list[int]:
        """Which of the hidden states are maps: 0 is what comes before the first layer."""
        return sorted({round((i + 1) * depth / MAPS) for i in range(MAPS)} - {0})


def _loaded(folder: Path) -> tuple[Any, Any]:
    """The model, frozen, and its feature extractor."""
    _check_files(folder)
    library = extra("transformers")
    library.utils.logging.set_verbosity_error()
    library.utils.logging.disable_progress_bar()
    kept = {"local_files_only": True, "trust_remote_code": False}
    try:
        extractor = library.AutoFeatureExtractor.from_pretrained(folder, **kept)
        model, info = library.AutoModelForAudioClassification.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True, dtype=torch.float32, **kept
        )
    except Exception as error:  # the library raises what it likes
        raise ValueError(
            f"{folder} is no Hugging Face model for audio classification: {first_line(error)}."
        ) from error
    if lacking := sorted(info["missing_keys"] or ()):
        raise ValueError(
            f"{folder}: the weights lack {lacking[0]!r}, so this is no fine-tuned classifier; give "
            "the folder of one with its classification head."
        )
    return freeze(model), extractor


def _check_files(folder: Path) -> None:
    if not (folder / _CONFIG).is_file():
        raise ValueError(
            f"{folder} holds no model: config.json is missing. Give a folder that save_pretrained "
            "has written."
        )
    try:
        config = json.loads((folder / _CONFIG).read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{folder / _CONFIG} is damaged: it is not valid JSON.") from error
    if not isinstance(config, dict) or "model_type" not in config:
        raise ValueError(
            f"{folder / _CONFIG} names no model_type, so it is no Hugging Face model's. A bundle "
            "is named by --bundle."
        )
    if "auto_map" in config:
        raise ValueError(
            f"{folder} asks for code of its own (auto_map in config.json), which is never run; "
            "give FILE.py:NAME with a function that loads it."
        )
    if not any((folder / name).is_file() for name in _WEIGHTS):
        pickled = sorted(path.name for kind in _PICKLED for path in folder.glob(kind))
        has = f"{pickled[0]}, a pickle, which is code" if pickled else "no weights"
        raise ValueError(
            f"{folder} holds {has}; weights are read from model.safetensors alone "
            "(save_pretrained writes it)."
        )
    if not (folder / _FRONT_END).is_file():
        raise ValueError(
            f"{folder} lacks {_FRONT_END}, which tells the rate; save the feature extractor there, "
            "too."
        )
