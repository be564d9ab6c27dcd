"""Rules about layers without an activation."""

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
from skloss.diagnosis.words import tally


def _is_bottleneck(kernels: Sequence[Kernel], place: int) -> bool:
    """Whether a layer is narrower than its input and its output.

    Two layers with a bottleneck between them are a low-rank linear map. That may be
    intended, as it saves weights.
    """
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
    """Layers without an activation between them collapse into one linear layer.

    Reads: the activations, and the layers between layers with weights. Dropout,
    flattening, average pooling and batch normalization are linear here; max pooling is
    not.
    Effect: any number of such layers has the same decision boundary as a single linear
    layer. Dropout between them only adds noise.
    What to do: set activation="relu" in every hidden Dense and Conv layer. The default
    of Keras is no activation.
    False alarm when: a linear network is intended, or a narrow layer is a projection.
    If only some of the layers are linear, an alarm requires poor predictions.
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
        """Find the longest run of layers without an activation."""
        hidden, whole = hidden_of(case), _is_linear_throughout(case)
        if not whole and (_linear_convs(case) or _is_first_only(case)):
            return None  # linear-conv and linear-first-layer describe these better
        n_maps, narrow = self._longest(case)
        if n_maps < self.least_layers:
            return None
        return self.found(
            f"{n_maps} layers in a row without an activation between them equal one "
            "linear layer.",
            {
                "layers that equal one": (n_maps, "layers"),
                "layers with weights": (len(hidden) + 1, "layers"),
            },
            'Set activation="relu" in every hidden layer.',
            severity=self._severity(case, whole, narrow),
            params={"activation": "relu"},
        )

    @staticmethod
    def _longest(case: Case) -> tuple[int, bool]:
        """Return the length of the longest run, and whether it is all bottlenecks."""
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

    Reads: the activations of the convolutions, and the layers between them.
    Effect: consecutive linear convolutions equal a single one. Max pooling between them
    is only a weak nonlinearity, since it cannot separate a pattern from its absence.
    What to do: set activation="relu" in every Conv1D and Conv2D layer.
    False alarm when: the layers after the convolutions suffice. An alarm requires poor
    predictions.
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
                "linear convolutions before max pooling": (pooled, "layers"),
            },
            'Set activation="relu" in every convolution.',
            severity="warning" if harm(case) else "info",
            params={"activation": "relu"},
        )


class LinearFirstLayer(Rule):
    """Only the first dense layer has no activation.

    Reads: the activations of the layers.
    Effect: the first layer and the next one together equal a single linear layer. The
    first one costs weights and time and adds nothing.
    What to do: give the first Dense layer the activation of the other layers, such as
    activation="relu".
    False alarm when: the first layer is meant to be a linear projection. An alarm
    requires poor predictions.
    """

    code = "N05"
    name = "linear-first-layer"
    explains = POOR_FIT
    reference = "stackoverflow.com/questions/55328966; UMLAUT MissingActivation"

    def inspect(self, case: Case) -> Finding | None:
        """Look at the first of several dense layers."""
        hidden = hidden_of(case)
        if _linear_convs(case) or not _is_first_only(case):
            return None
        units = hidden[0].layer.units
        return self.found(
            f"The first layer, with {tally(units or 0, 'unit')}, has no activation.",
            {
                "units of the first layer": (units, "units"),
                "hidden layers": (len(hidden), "layers"),
            },
            "Give the first layer the activation of the other hidden layers, such as "
            'activation="relu".',
            severity="warning" if harm(case) else "info",
            params={"activation": "relu"},
        )
