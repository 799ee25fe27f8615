"""How does training go? Loss, a metric and the spectrum of the run, as it goes on and as it was at any earlier step."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from simviz import checks, figures
from simviz.figures import Table
from simviz.figures.training import HIGH, LOW, MEDIAN
from simviz.learning.best import validated
from simviz.learning.run import Run
from simviz.live.controls import Button, Slider
from simviz.live.panels.panel import Panel
from simviz.live.player import Player, State
from simviz.models.deq import DEQ, LARGE
from simviz.records import FigureSpec, Spectrum, TrainStep

SAMPLES = 16
"""Of a DEQ: so many inputs of the measured part tell how it settles."""


@dataclass(frozen=True)
class Moment:
    """A run at one of its steps. step: None where it has not begun; reached: how far it has come; back: the step that
    `rewind` would bring back; measured: the last metric up to there; spectrum: the last one up to there.
    """

    step: TrainStep | None
    reached: int
    back: int
    measured: float | None
    spectrum: Spectrum | None


class TrainPanel(Panel):
    """Play a run and show its loss, one metric of its task and, where the model has one, its spectrum.

    run: a Run, or the Player of one that another panel shows as well; metric: a name of the task's metrics (default:
    the first that it measures, on the validation part where there is one, since the test part is then measured at the
    end alone). The slider goes back through the run, and "rewind to here" brings the model back to the nearest step
    that was kept. Of a DEQ it shows, besides, how many evaluations sixteen held-out samples take and, up to a thousand
    numbers a state, their Jacobian's eigenvalues, whenever the run measures. `await panel.player.done()` waits for the
    end.
    """

    def __init__(self, run: Run | Player, metric: str | None = None) -> None:
        player = Player.of(run)
        if not isinstance(player.source, Run):
            raise ValueError(f"run must be a Run or a Player of one, got a Player of {type(player.source).__name__}")
        self.run: Run = player.source
        known = list(self.run.measure())
        if self.run.task.validation is not None:
            known = [*map(validated, known), *known]
        self.metric = known[0] if metric is None else checks.one_of("metric", metric, tuple(known))
        self._spectra: dict[int, Spectrum] = {}  # of a DEQ, by step
        self._settles = isinstance(self.run.model, DEQ)
        part = self.run.task.test if self.run.task.validation is None else self.run.task.validation
        self._inputs = part[0][:SAMPLES].to(self.run.device)
        self._first = next(
            (s.spectrum for s in self.run.history if s.spectrum is not None), self.run.current_spectrum()
        )
        counts = self._settled(self.run.step) if self._settles else ()
        self._curves = self._drawn_curves()
        controls = [
            Slider("shown", "Step shown", 0, self.run.total_steps, 1, self.run.step, scrub=True),
            Button("rewind", "Rewind to here", tip="Bring the model back to the nearest step that was kept"),
        ]
        super().__init__(controls, player, {"run": run, "metric": metric})
        self._curves = self._drawn_curves(empty=True)  # from here on they grow
        self._count(self.run.step, counts)

    def length(self) -> int:
        return self.run.total_steps

    def played(self, item: TrainStep) -> None:
        """Let the curves grow by a step, and be there."""
        self.grow("loss", item.step, item.loss)
        if self.metric in item.metrics:
            self.grow(self.metric, item.step, item.metrics[self.metric])
        if item.metrics and self._settles:
            self._count(item.step, self._settled(item.step))
        self.values["shown"] = item.step

    def restarted(self) -> None:
        """Cut the curves where the run is now."""
        with self.run.lock:
            drawn, now = self._drawn_curves(), self.run.step
            self.values["shown"] = now
        for trace in drawn.traces:
            if trace.live == "append":
                self.figure_widget.replace(trace.channel, trace.x, trace.y)
        if self._settles:
            self._spectra = {step: found for step, found in self._spectra.items() if step <= now}
            for name in (LOW, MEDIAN, HIGH):
                x, y = self.figure_widget.points(name)
                self.figure_widget.replace(name, x[x <= now], y[x <= now])

    def pressed(self, name: str) -> None:
        """Rewind to the step shown."""
        assert self.player is not None
        self.player.rewind(self.values["shown"])

    def compute(self, *, shown: int) -> Moment:
        """Return the run at a step that it has done, the last one where it has not come so far."""
        with self.run.lock:
            past = self.run.history[:shown]
            back = max(kept for kept in self.run.kept if kept <= shown)
            reached = self.run.step
        measured = next((s.metrics[self.metric] for s in reversed(past) if self.metric in s.metrics), None)
        spectrum = next((s.spectrum for s in reversed(past) if s.spectrum is not None), self._first)
        known = max((step for step in self._spectra if step <= shown), default=None)
        spectrum = spectrum if known is None else self._spectra[known]
        return Moment(past[-1] if past else None, reached, back, measured, spectrum)

    def drawing(self, record: Moment) -> FigureSpec:
        """Draw the curves with a line at the step shown, and the spectrum of that step."""
        at = 0 if record.step is None else record.step.step
        cursor = at if at < record.reached else None
        right = 0.56 if record.spectrum is not None else 1.0
        low = 0.33 if self._settles else 0.0
        curves = figures.unlabelled(self._curves) if self._settles else self._curves  # the strip below has the label
        parts = [(figures.at_step(curves, cursor), (0.0, right, low, 1.0))]
        if self._settles:
            strip = figures.at_step(figures.evaluations(self.run.total_steps), cursor)
            parts.append((strip, (0.0, right, 0.0, 0.2)))
        if record.spectrum is not None:
            draw = figures.jacobian_cloud if self._settles else figures.spectrum
            parts.append((draw(record.spectrum, live=True), (0.66, 1.0, 0.0, 1.0)))
        return figures.arrange(parts, size=(960, 640 if self._settles else 520), state=self._sentence(record))

    def refresh(self, cue: bool = False, say: bool = True, keep: bool = False) -> None:
        self.figure_widget.control("shown", value=self.values["shown"])
        super().refresh(cue, say, keep)

    def recipe(self) -> str:
        line, shown = super().recipe(), self.values["shown"]
        return line if shown == self.run.step else f"{line}.set(shown={shown})"

    def table(self, record: Moment) -> Table:
        """Return a row for each step: number, epoch, loss, learning rate, seconds and what was measured."""
        history = list(self.run.history)
        names = sorted({name for s in history for name in s.metrics})
        rows = [
            (s.step, s.epoch, s.loss, s.lr, s.seconds, *(s.metrics.get(name, "") for name in names)) for s in history
        ]
        return Table(("step", "epoch", "loss", "lr", "seconds", *names), tuple(rows), self._sentence(record))

    @torch.no_grad()
    def _settled(self, step: int) -> tuple[float, ...]:
        """Let a DEQ's samples settle: keep their eigenvalues, return 5 %, median and 95 % of their evaluations."""
        model = self.run.model
        assert isinstance(model, DEQ)
        with self.run.lock:
            model.eval()
            solution = model.equilibrium(self._inputs)
            if solution.z[0].numel() <= LARGE:
                self._spectra[step] = model.spectrum(self._inputs)
        shares = torch.tensor([0.05, 0.5, 0.95], device=solution.evaluations.device)
        return tuple(solution.evaluations.float().quantile(shares).tolist())

    def _count(self, step: int, counts: tuple[float, ...]) -> None:
        for name, count in zip((LOW, MEDIAN, HIGH), counts, strict=False):
            self.grow(name, step, count)

    def _drawn_curves(self, empty: bool = False) -> FigureSpec:
        history = [] if empty else self.run.history
        return figures.training_curves(history, goal=self.metric, live=True, total=self.run.total_steps)

    def _sentence(self, record: Moment) -> str:
        """Step, loss and the last measured metric; of an earlier step, where rewinding would lead."""
        assert self.player is not None
        total = self.run.total_steps
        if record.step is None:
            ahead = "press Start, or space" if record.reached == 0 else "Rewind to here begins anew"
            return f"{total} steps to go: {ahead}"
        measured = "" if record.measured is None else f", {self.metric} {record.measured:.4g}"
        words = f"step {record.step.step} of {total}: loss {record.step.loss:.3g}{measured}"
        if record.step.step < record.reached:
            place = "here" if record.back == record.step.step else f"to step {record.back}, the nearest that was kept"
            return f"back at {words}; Rewind brings the model back {place}"
        if self.player.state is State.RUNNING:
            return f"{words}; training {self.player.share}"
        return f"{self.player.state.value}, {words}"
