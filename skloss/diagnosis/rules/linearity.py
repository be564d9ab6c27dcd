"""Layers without an activation."""

from collections.abc import Sequence

from skloss.diagnosis.case import Case
from skloss.diagnosis.evidence.classifier_network import (
    POOR_FIT,
    Kernel,
    harm,
    hidden_of,
    kernels_of,
)
from skloss.diagnosis.finding import Finding, Severity
from skloss.diagnosis.rule import Rule


def _is_bottleneck(kernels: Sequence[Kernel], place: int) -> bool:
    """Whether a layer is narrower than both sides, as a factorized map is."""
    kernel, after = kernels[place], kernels[place + 1].layer.units
    units = kernel.layer.units
    if units is None or after is None or kernel.fan_in is None:
        return False
    return units < kernel.fan_in and units < after


def _linear_convs(case: Case) -> list[Kernel]:
    """Convolutions without an activation, if most of those before the head are."""
    convs = [kernel for kernel in hidden_of(case) if kernel.layer.kind == "conv"]
    linear = [kernel for kernel in convs if kernel.is_linear or kernel.is_max_pooled]
    return linear if 2 * len(linear) > len(convs) else []


def _is_linear_throughout(case: Case) -> bool:
    return all(kernel.is_linear for kernel in hidden_of(case))


def _is_first_only(case: Case) -> bool:
    """Whether the first layer, a dense one, is the only linear one of several."""
    hidden = hidden_of(case)
    first, *others = hidden
    if first.layer.kind != "dense" or not first.is_linear or not others:
        return False
    narrow = _is_bottleneck(kernels_of(case), 0)
    return not narrow and not any(kernel.is_linear for kernel in others)


class LinearStack(Rule):
    """Layers without an activation between them amount to one linear map.

    Reads: activations, and what stands between layers; dropout, flattening, average
    pooling and batch normalization do not bend a line, max pooling does.
    Effect: however many there are, they draw one straight boundary; dropout on them
    is noise on that line.
    False alarm when: a linear network was wanted, or a narrow layer is a projection;
    some linear layers beside others with an activation are an alarm only with harm.
    """

    code = "N03"
    name = "linear-stack"
    explains = (
        *POOR_FIT,
        "linear-conv",
        "linear-first-layer",
    )
    reference = "UMLAUT MissingActivation; NeuraLint MissingRelus"
    least_layers = 2

    def inspect(self, case: Case) -> Finding | None:
        """Count the layers of the longest run without an activation."""
        hidden, whole = hidden_of(case), _is_linear_throughout(case)
        if not whole and (_linear_convs(case) or _is_first_only(case)):
            return None  # rules of their own
        n_maps, narrow = self._longest(case)
        if n_maps < self.least_layers:
            return None
        return self.found(
            f"{n_maps} layers amount to one linear map: "
            "no activation stands between them.",
            {
                "layers in one linear map": (n_maps, "layers"),
                "layers with weights": (len(hidden) + 1, "layers"),
            },
            "Give the hidden layers an activation such as relu.",
            severity=self._severity(case, whole, narrow),
            params={"activation": "relu"},
        )

    @staticmethod
    def _longest(case: Case) -> tuple[int, bool]:
        """Layers of the longest run, and whether bottlenecks alone make it."""
        kernels = kernels_of(case)
        best, run, wide = 1, 1, 0
        narrow = True
        for place, kernel in enumerate(kernels[:-1]):
            if not kernel.is_linear:
                run, wide = 1, 0
                continue
            run += 1
            wide += not _is_bottleneck(kernels, place)
            if run > best:
                best, narrow = run, wide == 0
        return best, narrow

    @staticmethod
    def _severity(case: Case, whole: bool, narrow: bool) -> Severity:
        harmed = harm(case)
        if narrow:
            return "info"
        if whole:
            return "error" if harmed else "warning"
        return "warning" if harmed else "info"


class LinearConv(Rule):
    """Most convolutions have no activation.

    Reads: activations of the convolutions, and what stands between layers.
    Effect: convolutions in a row are one convolution; the maximum of a pooling layer
    bends it, weakly, since it cannot tell a pattern from its absence.
    False alarm when: the layers after them are enough; an alarm needs harm.
    """

    code = "N04"
    name = "linear-conv"
    explains = (*POOR_FIT, "linear-first-layer")
    reference = "github.com/keras-team/keras/issues/11033; UMLAUT"

    def inspect(self, case: Case) -> Finding | None:
        """Count the convolutions without an activation."""
        hidden = hidden_of(case)
        linear = _linear_convs(case)
        if not linear or _is_linear_throughout(case):
            return None
        n_convs = sum(kernel.layer.kind == "conv" for kernel in hidden)
        pooled = sum(kernel.is_max_pooled for kernel in linear)
        return self.found(
            f"{len(linear)} of {n_convs} convolutions have no activation.",
            {
                "linear convolutions": (len(linear), "layers"),
                "of them before max pooling": (pooled, "layers"),
            },
            "Give the convolutions an activation such as relu.",
            severity="warning" if harm(case) else "info",
            params={"activation": "relu"},
        )


class LinearFirstLayer(Rule):
    """The first dense layer has no activation, while others have.

    Reads: activations of the layers.
    Effect: together with the next layer it is one linear map: it costs weights and
    time and adds nothing.
    False alarm when: it is a projection on purpose; an alarm needs harm.
    """

    code = "N05"
    name = "linear-first-layer"
    explains = POOR_FIT
    reference = "stackoverflow.com/questions/55328966; UMLAUT MissingActivation"

    def inspect(self, case: Case) -> Finding | None:
        """Look at the first of several layers."""
        hidden = hidden_of(case)
        if _linear_convs(case) or not _is_first_only(case):
            return None
        units = hidden[0].layer.units
        return self.found(
            f"The first layer, of {units} units, has no activation.",
            {"units": (units, "units"), "hidden layers": (len(hidden), "layers")},
            "Give the first layer the activation of the others.",
            severity="warning" if harm(case) else "info",
            params={"activation": "relu"},
        )
