"""How does a run's past become JSON and come back? One line a step, every number bit for bit."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import torch

from simviz.records import Spectrum, TrainStep

_PLAIN = [field for field in dataclasses.fields(TrainStep) if field.name not in ("metrics", "spectrum")]


def to_text(history: Sequence[TrainStep], lines: list[str]) -> str:
    """Return the steps as a JSON list; `lines` holds those of the first steps, and of all of them afterwards."""
    lines.extend(json.dumps(step_to_json(step)) for step in history[len(lines) :])
    return "[\n" + ",\n".join(lines[: len(history)]) + "\n]\n"


def from_text(text: str | bytes) -> list[TrainStep]:
    """Return the steps; raises ValueError, TypeError or KeyError for what `to_text` did not write."""
    return [step_from_json(step) for step in json.loads(text)]


def step_to_json(step: TrainStep) -> dict[str, Any]:
    """Return a step as JSON values; what is as by default is left out."""
    content = {field.name: getattr(step, field.name) for field in _PLAIN}
    content = {field.name: content[field.name] for field in _PLAIN if content[field.name] != field.default}
    if step.metrics:
        content["metrics"] = step.metrics
    if step.spectrum is not None:
        content["spectrum"] = _spectrum_to_json(step.spectrum)
    return content


def step_from_json(content: dict[str, Any]) -> TrainStep:
    """Return the step that `step_to_json` made JSON of."""
    spectrum = content.get("spectrum")
    return TrainStep(**{**content, "spectrum": None if spectrum is None else _spectrum_from_json(spectrum)})


def _spectrum_to_json(spectrum: Spectrum) -> dict[str, Any]:
    residuals = spectrum.residuals
    return {
        "eigenvalues": torch.view_as_real(spectrum.eigenvalues.detach().cpu().resolve_conj()).tolist(),
        "residuals": None if residuals is None else residuals.tolist(),
        "dtype": str(spectrum.eigenvalues.real.dtype).removeprefix("torch."),
        "dt": spectrum.dt,
        "names": None if spectrum.names is None else list(spectrum.names),
        "kind": spectrum.kind,
        "in_sample": spectrum.in_sample,
        "tolerance": spectrum.tolerance,
        "advice": spectrum.advice,
    }


def _spectrum_from_json(content: dict[str, Any]) -> Spectrum:
    dtype = {"float32": torch.float32, "float64": torch.float64}[content["dtype"]]
    residuals = content["residuals"]
    return Spectrum(
        torch.view_as_complex(torch.tensor(content["eigenvalues"], dtype=dtype)),
        None if residuals is None else torch.tensor(residuals, dtype=dtype),
        content["dt"],
        content["names"],
        content["kind"],
        content["in_sample"],
        content["tolerance"],
        content["advice"],
    )
