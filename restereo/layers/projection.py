"""What was observed is never invented again: the network's answer is moved onto the observation.

With A = P·X + noise, noise covariance R and error covariance Σ of the network's X̂, the best linear correction is
the Kalman update X = X̂ + K(A - P·X̂), K = ΣPᵀ(PΣPᵀ + R)⁺ (Kalman 1960). Through Σ the channels that were not
observed move with those that were.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from restereo.imaging.color import BT601, decode_srgb, encode_srgb
from restereo.methods import AnaglyphMethod
from restereo.sample import Operator

# Rows Y, Cb, Cr of BT.601 full range, the colour space of JPEG (JFIF 1.02).
YCBCR = torch.tensor([BT601, [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
QUANTISATION = 1 / 255 / 12**0.5
"""Standard deviation of rounding to 8 bits, in units of [0, 1]."""


@dataclass(frozen=True)
class Calibration:
    """What the projection knows of the network's errors and of the observation's.

    Attributes:
        error: By variant of the input (`clean`, `jpeg`), Σ `(K, K)`: second moment of the error on validation.
        noise: Likewise, R `(C, C)`: second moment of the observation's own error.
    """

    error: dict[str, Tensor]
    noise: dict[str, Tensor]

    def to_json(self) -> dict[str, Any]:
        """Returns nested lists, ready for `json.dump`."""
        moments = {"error": self.error, "noise": self.noise}
        return {name: {variant: _rounded(m) for variant, m in variants.items()} for name, variants in moments.items()}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Returns the calibration that `to_json` wrote."""
        error, noise = ({k: torch.tensor(m) for k, m in content[name].items()} for name in ("error", "noise"))
        return cls(error, noise)


def _rounded(matrix: Tensor) -> list[list[float]]:
    return [[float(f"{value:.6g}") for value in row] for row in matrix.tolist()]


def operator_of(method: AnaglyphMethod, lossy: bool = False) -> Operator:
    """Returns the operator of an anaglyph method, a batch of one.

    Example:
        >>> from restereo.methods import METHODS
        >>> operator_of(METHODS["red-cyan-color"]).matrix.shape
        torch.Size([1, 3, 6])
    """
    matrix = torch.tensor(method.matrix, dtype=torch.float32)
    if method.clip == "eyes":
        # A share that cannot be positive is always clipped to nothing before the eyes are added.
        shares = matrix.unflatten(1, (2, 3))
        matrix = torch.where((shares <= 0).all(dim=2, keepdim=True), 0.0, shares).flatten(1)
    return Operator(
        matrix[None],
        torch.tensor([method.transfer == "linear"]),
        torch.tensor([method.exponent], dtype=torch.float32),
        torch.tensor([lossy]),
    )


def grey_operator() -> Operator:
    """Returns P of BT.601 grey, a batch of one: the weights of encoded R, G, B.

    Example:
        >>> grey_operator().matrix.shape
        torch.Size([1, 1, 3])
    """
    return Operator(torch.tensor([[BT601]]), torch.tensor([False]), torch.ones(1, 1))


def default_error(views: int = 2) -> Tensor:
    """Returns Σ `(3·views, 3·views)` before anything was measured: the channels of one eye correlated .9.

    Example:
        >>> default_error()[0, :4].tolist()
        [1.0, 0.8999999761581421, 0.8999999761581421, 0.0]
    """
    eye = torch.full((3, 3), 0.9).fill_diagonal_(1.0)
    matrix: Tensor = torch.block_diag(*[eye] * views)
    return matrix


def measured(errors: Tensor, residuals: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Returns Σ `(K, K)` and R `(1, 1)` for which the projection gains most, measured where the truth is known.

    R is as large as the gain that minimises what is left, the regression of P·e on the residual, asks for: grain that
    the network has already taken out must not come back with the observation, and then R is large.

    Args:
        errors: `(N, K)`, truth less the network's answer.
        residuals: `(N, 1)`, observation less what the answer would have shown.
        matrix: `(1, K)`, P.

    Example:
        >>> errors = torch.tensor([[0.1, 0.1, 0.1], [-0.1, -0.1, -0.1]])
        >>> grey = torch.full((1, 3), 1 / 3)
        >>> error, noise = measured(errors, errors @ grey.T, grey)  # the observation is exact
        >>> noise.item() < 1e-5
        True
    """
    e, r, p = errors.double(), residuals.double(), matrix.double()
    error = e.T @ e / len(e)
    seen = p @ error @ p.T
    gain = ((e @ p.T * r).mean() / (r * r).mean().clamp(min=1e-12)).clamp(1e-4, 1.0)
    noise = seen * (1 / gain - 1) + QUANTISATION**2
    return error.float(), noise.float()


def evened(errors: Sequence[Tensor]) -> Tensor:
    """Returns the weights of pictures `(N,)`, of mean 1, by which each counts as it does in a mean of PSNRs.

    A weight goes with one over the picture's mean squared error. Without it Σ is that of the few pictures that a
    network fails on, and the correction harms all others.

    Args:
        errors: Of each picture, `(P, K)`.

    Example:
        >>> evened([torch.full((4, 1), 0.1), torch.full((9, 1), 0.2)]).tolist()
        [1.600000023841858, 0.4000000059604645]
    """
    inverse = torch.stack([1 / one.square().mean().clamp(min=QUANTISATION**2) for one in errors])
    weights: Tensor = inverse / inverse.mean()
    return weights


def noise_covariance(variance: tuple[float, float, float], jpeg: bool) -> Tensor:
    """Returns R `(3, 3)`: independent per R, G, B, or (`jpeg`) per Y, Cb, Cr and seen from R, G, B.

    Example:
        >>> noise_covariance((1.0, 1.0, 1.0), jpeg=False).diagonal().tolist()
        [1.0, 1.0, 1.0]
    """
    diagonal = torch.diag(torch.tensor(variance))
    if not jpeg:
        return diagonal
    to_rgb = torch.linalg.inv(YCBCR)
    covariance: Tensor = to_rgb @ diagonal @ to_rgb.T
    return covariance


def to_domain(observed: Tensor, operator: Operator) -> Tensor:
    """Returns the observation `(B, C, H, W)` as the method's own sums P·X: exponent undone, linear light if so."""
    return _decoded(observed.clamp(0, 1) ** operator.exponent[:, :, None, None], operator)


def residual(image: Tensor, observed: Tensor, operator: Operator) -> Tensor:
    """Returns A - P·X̂ `(B, C, H, W)` in the method's domain; 0 where A is clipped and P·X̂ lies beyond it."""
    target = to_domain(observed, operator)
    formed = torch.einsum("bck,bkhw->bchw", operator.matrix, _decoded(image, operator))
    half = 0.5 / 255
    beyond = ((target >= 1 - half) & (formed > target)) | ((target <= half) & (formed < target))
    return torch.where(beyond, 0.0, target - formed)


def project(image: Tensor, observed: Tensor, operator: Operator, error: Tensor, noise: Tensor) -> Tensor:
    """Returns the picture `(B, K, H, W)` in [0, 1] moved onto what was observed.

    Args:
        image: `(B, K, H, W)` float32, the network's answer, encoded values.
        observed: `(B, C, H, W)` float32 in [0, 1].
        operator: P of each picture of the batch.
        error: `(K, K)`, Σ.
        noise: `(C, C)`, R; its smallest sensible value is the quantisation of 8 bits.

    Example:
        >>> left_red = Operator(torch.eye(3, 6)[None], torch.tensor([False]), torch.ones(1, 3))
        >>> answer = project(torch.zeros(1, 6, 1, 1), torch.ones(1, 3, 1, 1), left_red, torch.eye(6), torch.zeros(3, 3))
        >>> answer.flatten().tolist()
        [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    """
    update = gain(*(one.cpu().double() for one in (operator.matrix, error, noise)))
    correction = torch.einsum("bkc,bchw->bkhw", update.to(image), residual(image, observed, operator))
    moved = _decoded(image, operator) + correction
    return _where_linear(operator, moved, encode_srgb).clamp(0, 1)


def linear_estimate(observed: Tensor, operator: Operator) -> Tensor:
    """Returns the best linear guess at the picture `(B, K, H, W)` before any network: mid-grey, projected.

    It is PᵀA seen through what the channels of one eye have in common (`default_error`); the eyes are kept apart, so
    that they can be compared. Every anaglyph model takes it: one path serves every method.

    Example:
        >>> red_cyan = torch.zeros(1, 3, 6)
        >>> red_cyan[0, 0, 0] = red_cyan[0, 1, 4] = red_cyan[0, 2, 5] = 1
        >>> operator = Operator(red_cyan, torch.tensor([False]), torch.ones(1, 3))
        >>> [round(value, 2) for value in linear_estimate(torch.ones(1, 3, 1, 1), operator).flatten().tolist()]
        [1.0, 0.95, 0.95, 0.97, 1.0, 1.0]
    """
    channels = operator.matrix.shape[2]
    grey = observed.new_full((len(observed), channels, *observed.shape[2:]), 0.5)
    rounding = QUANTISATION**2 * torch.eye(operator.matrix.shape[1]).to(observed)
    return project(grey, observed, operator, default_error(channels // 3).to(observed), rounding)


def estimate_spread(operator: Operator) -> Tensor:
    """Returns how far each channel of the linear estimate may be off, `(B, K)`: 0 = observed, 1 = nothing is known.

    The square root of the diagonal of Σ - KPΣ, Σ with ones on its diagonal: what an observation leaves open.

    Example:
        >>> left_red = Operator(torch.eye(1, 6)[None], torch.tensor([False]), torch.ones(1, 1))
        >>> [round(value, 2) for value in estimate_spread(left_red).flatten().tolist()]
        [0.0, 0.44, 0.44, 1.0, 1.0, 1.0]
    """
    matrix = operator.matrix.cpu().double()
    error = default_error(matrix.shape[2] // 3).double()
    update = gain(matrix, error, QUANTISATION**2 * torch.eye(matrix.shape[1]).to(matrix))
    left = (error - update @ matrix @ error).diagonal(dim1=1, dim2=2)
    return left.clamp(min=0).sqrt().float().to(operator.matrix.device)


def gain(matrix: Tensor, error: Tensor, noise: Tensor) -> Tensor:
    """Returns K = ΣPᵀ(PΣPᵀ + R)⁺ `(B, K, C)`; all in double precision, which Apple's GPUs lack: on the CPU.

    Args:
        matrix: `(B, C, K)`, P.
        error: `(K, K)`, Σ.
        noise: `(C, C)`, R.
    """
    covariance = error @ matrix.mT
    update: Tensor = covariance @ torch.linalg.pinv(matrix @ covariance + noise, hermitian=True, rtol=1e-6)
    return update


def _decoded(image: Tensor, operator: Operator) -> Tensor:
    return _where_linear(operator, image, decode_srgb)


def _where_linear(operator: Operator, image: Tensor, curve: Callable[[Tensor], Tensor]) -> Tensor:
    """Applies the curve to the pictures whose method works in linear light; few do, and powers are slow."""
    return torch.where(operator.linear[:, None, None, None], curve(image), image) if operator.linear.any() else image
