"""The training loop, on Lightning Fabric: one or more players, EMA, cosine schedule, early stop, exact resume."""

import math
import time
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from restereo.config import Train
from restereo.errors import UserError
from restereo.progress import ProgressBar
from restereo.sample import Observation, Sample, Scene
from restereo.tasks import Task, restore, to_picture, to_tensor
from restereo.training.checkpoint import Live
from restereo.training.data import Examples, endless_batches, step_seed
from restereo.training.objectives import Objective


class DivergedError(UserError):
    """A loss that is not a number; raised before it reaches the weights."""


@dataclass
class Outcome:
    """What the loop has so far: `best` are the averaged weights of the best validation; `seconds` of all processes."""

    step: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)  # of the generator, since the last validation
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_headline: float = math.nan
    best_step: int = 0
    stopped: bool = False


def cosine_with_warmup(step: int, warmup: int, total: int) -> float:
    """Returns the factor on the learning rate in [0, 1] at a step: linear up, then half a cosine down.

    Example:
        >>> [round(cosine_with_warmup(step, 2, 6), 2) for step in range(7)]
        [0.5, 1.0, 1.0, 0.85, 0.5, 0.15, 0.0]
    """
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, total - warmup))))


def validate(model: nn.Module, task: Task, examples: list[tuple[Scene, Observation]], device: torch.device) -> float:
    """Returns the mean headline of the model on frozen examples."""
    calibration = task.default_calibration()
    figures = []
    model.eval()
    with torch.inference_mode():
        for scene, observation in examples:
            operator = task.operator(observation).to(device)
            observed = to_tensor(observation.picture).to(device)
            answer = to_picture(restore(model, task, observed, operator, calibration).image)
            figures.append(task.headline_of(answer, scene, observation))
    model.train()
    return sum(figures) / len(figures)


class Loop:
    """Trains the players of one objective; `run` may be killed at any moment and called again."""

    def __init__(self, fabric: Fabric, task: Task, model: nn.Module, objective: Objective, settings: Train, seed: int):
        self.fabric, self.task, self.objective = fabric, task, objective
        self.settings, self.seed = settings, seed
        # Faster on a CPU (`make bench MEASURES=training`); torch's own stubs of `Module.to` do not know the argument.
        model = cast(Any, model).to(fabric.device, memory_format=torch.channels_last)
        self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(settings.ema_decay))
        self.players: dict[str, Any] = {}
        self.optimizers: dict[str, Any] = {}
        self.schedules: dict[str, LambdaLR] = {}
        for name, player in objective.players(model, task.channels_in, task.channels_out).items():
            optimizer = torch.optim.AdamW(
                player.parameters(),
                settings.learning_rate,
                betas=(0.9, 0.99),
                weight_decay=settings.weight_decay,
            )
            self.schedules[name] = LambdaLR(
                optimizer, lambda step: cosine_with_warmup(step, settings.warmup_steps, settings.steps)
            )
            self.players[name], self.optimizers[name] = fabric.setup(player, optimizer)
        self.outcome = Outcome()

    def run(
        self,
        examples: Examples,
        frozen: list[tuple[Scene, Observation]],
        live: Live,
        progress: ProgressBar,
    ) -> Outcome:
        """Returns the outcome after the last step or the early stop.

        Args:
            examples: The training examples.
            frozen: Validation examples.
            live: Where the checkpoint lies.
            progress: Told of each step.

        Raises:
            DivergedError: A loss is not finite.
            UserError: The processes cannot share a batch.
        """
        settings, fabric = self.settings, self.fabric
        start, earlier, clock = self.outcome.step, self.outcome.seconds, time.perf_counter()
        world, rank = fabric.world_size, fabric.global_rank
        if settings.batch % world:
            raise UserError(f"train.batch: {settings.batch} windows for {world} processes; give a multiple of {world}.")
        batches = iter(endless_batches(examples, settings.batch // world, settings.workers, start, rank, world))
        for step in range(start, start if self.outcome.stopped else settings.steps):
            torch.manual_seed(step_seed(self.seed, step, rank))
            self.outcome.losses.append(self.step(next(batches).to(fabric.device))["generator"])
            self.outcome.step = step + 1
            progress()
            last = self.outcome.step == settings.steps
            if last or self.outcome.step % settings.validate_every == 0:
                self.judge(frozen, progress)
            if last or self.outcome.stopped or self.outcome.step % settings.checkpoint_every == 0:
                self.outcome.seconds = earlier + time.perf_counter() - clock
                self.save(live)
            if self.outcome.stopped:
                break
        return self.outcome

    def step(self, sample: Sample) -> dict[str, float]:
        """Moves every player once and returns their losses."""
        losses: dict[str, float] = {}
        lifted = self.task.lift(sample.observed, sample.operator).contiguous(memory_format=torch.channels_last)
        for name, loss in self.objective.losses(self.players, lifted, sample):
            losses[name] = loss.item()
            if not math.isfinite(losses[name]):
                raise DivergedError(
                    f"loss of '{name}' is {losses[name]} at step {self.outcome.step}; lower train.learning_rate."
                )
            self.optimizers[name].zero_grad()
            self.fabric.backward(loss)
            self.fabric.clip_gradients(self.players[name], self.optimizers[name], max_norm=self.settings.gradient_clip)
            self.optimizers[name].step()
        for schedule in self.schedules.values():
            schedule.step()
        self.average.update_parameters(self.players["generator"].module)
        return losses

    def judge(self, frozen: list[tuple[Scene, Observation]], progress: ProgressBar) -> None:
        """Validates the averaged weights, keeps them if they are the best or the last, and decides on an early stop."""
        outcome, settings = self.outcome, self.settings
        headline = validate(self.average.module, self.task, frozen, self.fabric.device)
        rate = self.schedules["generator"].get_last_lr()[0]
        mine = torch.tensor(sum(outcome.losses) / len(outcome.losses), device=self.fabric.device)
        loss = float(cast(Tensor, self.fabric.all_reduce(mine, reduce_op="mean")))
        outcome.losses = []
        outcome.history += [
            {"step": outcome.step, "split": "train", "loss": f"{loss:.6g}", "learning_rate": f"{rate:.6g}"},
            {"step": outcome.step, "split": "validation", "headline": f"{headline:.6g}"},
        ]
        progress.note(f"loss {loss:.4f}  {self.task.headline} {headline:.2f}")
        better = self.task.better * (headline - outcome.best_headline) > 0
        if not outcome.best or better or settings.keep == "last":
            outcome.best_headline, outcome.best_step = headline, outcome.step
            outcome.best = {k: v.detach().clone() for k, v in self.average.module.state_dict().items()}
        since = (outcome.step - outcome.best_step) // settings.validate_every
        outcome.stopped = since >= settings.patience

    def save(self, live: Live) -> None:
        """Writes the checkpoint: every network, optimizer and schedule, the average and the one step counter."""
        if self.fabric.global_rank:
            return
        state = {kind: {n: part.state_dict() for n, part in parts.items()} for kind, parts in self._parts().items()}
        live.save({**state, "average": self.average.state_dict(), "outcome": vars(self.outcome)})

    def resume(self, state: dict[str, Any]) -> None:
        """Takes up what `save` wrote."""
        for kind, parts in self._parts().items():
            for name, part in parts.items():
                part.load_state_dict(state[kind][name])
        self.average.load_state_dict(state["average"])
        self.outcome = Outcome(**state["outcome"])

    def raw(self) -> dict[str, dict[str, Tensor]]:
        """Returns the weights of every player as the last step left them, not averaged."""
        return {name: player.module.state_dict() for name, player in self.players.items()}

    def _parts(self) -> dict[str, dict[str, Any]]:
        return {"players": self.players, "optimizers": self.optimizers, "schedules": self.schedules}
