"""A summarizer that the trainer exported, behind a server; it writes what it would write in this process.

    here: signals -> prompt, as in its training      there: chat template -> weights -> the likeliest answer

Of the exported directory `popi.json`, `templates/` and the tokenizer are read here; the weights are the server's.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

from popi_sdk.backend import AsyncBackend, Backend
from popi_sdk.backend.model_spec import ModelSpec
from popi_sdk.errors import IncompatibleSummarizerError, MissingExtraError, SummarizerError
from popi_sdk.manifest import check_these_files
from popi_sdk.render import Rendered
from popi_sdk.signals import Signal
from popi_sdk.summarizers.engines.exported_tokenizer import FILES, ExportedTokenizer
from popi_sdk.summarizers.prompts import TrainedPrompts
from popi_sdk.summarizers.remote import ModelSummarizer
from popi_sdk.summary import Summary


class ServedSummarizer(ModelSummarizer):
    """Asks a server for the summaries of the model in `folder`, prompted exactly as in its training.

    Which signals are behind which clause it does not tell, as finding that out takes the weights.

    Raises:
        IncompatibleSummarizerError: it was trained with another renderer or other templates than it would get here,
            or says nothing where it is not sure, which a server does not tell.
        MissingExtraError: what reads its tokenizer is not installed.
        SummarizerError: the directory is none, damaged, or holds nothing that a server writes summaries with.
    """

    def __init__(
        self, model: ModelSpec, folder: Path, backend: Backend | AsyncBackend, *, timeout: float, retries: int
    ) -> None:
        self._prompts = TrainedPrompts(folder)
        self.folder, self.manifest = folder, self._prompts.manifest
        self._check()
        # Sampling settings of the base model may lie beside the weights; the SDK takes the likeliest token.
        greedy = {"temperature": 0, "top_p": 1, "max_tokens": self.manifest.max_summary_tokens}
        super().__init__(model, backend, timeout=timeout, retries=retries, options=greedy)
        self.name = f"{model.name}@{self._prompts.digest}"
        self.input_tokens = self._prompts.input_tokens
        self._tokenizer: ExportedTokenizer | None = None
        self._one_loads = Lock()

    def _check(self) -> None:
        if "transformers" not in self.manifest.forms:
            raise SummarizerError(
                f'{self.folder} lacks the form "transformers", which servers load',
                hint="Export it again, or use it in this process: summarizer = the directory.",
            )
        if self.manifest.abstain_below is not None or self.manifest.doubt_below:
            raise IncompatibleSummarizerError(
                f"{self.folder} says nothing where it is not sure enough, and a server does not tell how sure it is",
                hint="Use it in this process: summarizer = the directory.",
            )
        if find_spec("tokenizers") is None:
            raise MissingExtraError("tokenizers", "litellm")  # which depends on it
        check_these_files(self.folder, self.manifest, [name for name in FILES if name in self.manifest.files])

    def _prompt(self, signals: Sequence[Signal], previous: Summary | None) -> Rendered | None:
        asked = self._prompts.asked(self._read_tokenizer(), signals, previous, name=self.name)
        return asked.rendered if asked.says_something else None

    def _taken(self, answer: str, prompt: Rendered | None) -> Summary:
        from popi_sdk.guard import guard  # its rules take a while to load; making a client need not wait

        ids = prompt.signal_ids if prompt else ()
        return guard(answer, max_tokens=self.manifest.max_summary_tokens, model=self.name, signal_ids=ids)

    def _read_tokenizer(self) -> ExportedTokenizer:
        with self._one_loads:
            if self._tokenizer is None:
                self._tokenizer = ExportedTokenizer(self.folder)
            return self._tokenizer
