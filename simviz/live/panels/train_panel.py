"""How does training go? Loss, a metric and the spectrum of the run, as it goes on."""

from __future__ import annotations

from simviz import figures
from simviz.learning.best import validated
from simviz.learning.run import Run
from simviz.live.figure import LiveFigure
from simviz.live.panels.panel import Panel
from simviz.live.player import Player
from simviz.records import Spectrum, TrainStep


class TrainPanel(Panel):
    """Play a run and show its loss, one metric of its task and, where the model has one, its spectrum.

    run: a Run; metric: a name of the task's metrics (default: the first that it measures, on the validation part where
    there is one, since the test part is then measured at the end alone). `panel.player` is the player; `await
    panel.player.done()` waits for the end.
    """

    def __init__(self, run: Run, metric: str | None = None) -> None:
        known = list(run.measure())
        if run.task.validation is not None:
            known = [*map(validated, known), *known]
        if metric is not None and metric not in known:
            raise ValueError(f"metric must be one of {', '.join(known)}, got {metric!r}")
        self.run, self.metric = run, metric or known[0]
        curves = figures.training_curves(run.history, goal=self.metric, live=True, total=run.total_steps)
        first = next((s.spectrum for s in run.history if s.spectrum is not None), run.current_spectrum())
        self.has_spectrum = first is not None
        right = 0.56 if self.has_spectrum else 1.0
        parts = [(curves, (0.0, right, 0.0, 1.0))]
        if first is not None:
            parts.append((figures.spectrum(first, live=True), (0.66, 1.0, 0.0, 1.0)))
        super().__init__(Player(run), figures.arrange(parts, size=(960, 520)))

    def item(self, item: TrainStep) -> None:
        """Keep the step until the next frame."""
        self._new.append(item)

    def draw(self) -> None:
        """Append what is new to the curves; the last spectrum whole."""
        with self.run.lock:
            new = self.take_new()
            if not self.run.history:  # reset
                for channel in ("loss", self.metric):
                    self.figure_widget.replace(channel, [], [])
        if new:
            self.figure_widget.append("loss", [s.step for s in new], [s.loss for s in new])
        measured = [s for s in new if self.metric in s.metrics]
        if measured:
            values = [s.metrics[self.metric] for s in measured]
            self.figure_widget.append(self.metric, [s.step for s in measured], values)
        spectra = [s.spectrum for s in new if s.spectrum is not None]
        if spectra:
            draw_spectrum(self.figure_widget, spectra[-1])

    def sentence(self) -> str:
        """Step, loss and the last measured metric."""
        history = self.run.history
        if not history:
            return f"{self.run.total_steps} steps to go: press Start, or space"
        last = history[-1]
        metric = next((s.metrics[self.metric] for s in reversed(history) if self.metric in s.metrics), None)
        measured = "" if metric is None else f", {self.metric} {metric:.4g}"
        return (
            f"{self.player.state.value}, step {last.step} of {self.run.total_steps}: loss {last.loss:.3g}{measured}; "
            f"{self.player.share}"
        )


def draw_spectrum(figure: LiveFigure, record: Spectrum) -> None:
    """Send a spectrum's eigenvalues to the channels that `figures.spectrum(live=True)` made."""
    values = record.eigenvalues.cpu().numpy()
    for name in ("persistent", "decaying"):
        chosen = values[getattr(record, name).cpu().numpy()]
        figure.replace(name, chosen.real, chosen.imag)
        if name == "persistent" and figure.has("rays"):
            figure.replace("rays", chosen.real, chosen.imag)
    if figure.has("growing"):
        chosen = values[record.growing.cpu().numpy()]
        figure.replace("growing", chosen.real, chosen.imag)
