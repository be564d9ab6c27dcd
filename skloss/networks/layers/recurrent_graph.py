"""Recurrent cells in TensorFlow, with gradients by hand.

The loop over time goes back by as few operations as it can, and the gradients of the
weights are one product over all steps behind it; what TensorFlow derives by itself adds
to them at every step.
"""

from typing import Any

from skloss.protocols import Tensor

__all__ = ["GRAPH_CELLS", "recur"]


def recur(
    tf: Any, cell: str, inputs: Tensor, kernel: Tensor, bias: Tensor, mask: Any
) -> Tensor:
    """States after each step, ``(time, rows, units)``.

    Parameters
    ----------
    tf : module
        TensorFlow.
    cell : {"lstm", "gru"}
        Kind of the cell.
    inputs : tensor of shape (time, rows, gates * units)
        What the inputs add to the gates, with their bias.
    kernel : tensor of shape (units, gates * units)
        From the state before to the gates.
    bias : tensor of shape (gates * units,)
        What the state before adds besides; not read by an LSTM.
    mask : tensor of shape (time, rows, 1) or None
        One where a step counts; where it is zero the state stays.
    """
    make = GRAPH_CELLS[cell]
    masks = () if mask is None else (mask,)

    @tf.custom_gradient
    def states(inputs: Tensor, kernel: Tensor, bias: Tensor, *masks: Tensor) -> Any:
        steps, rows, _ = inputs.shape
        units = kernel.shape[0]
        forward, backward = make(tf, kernel, bias)
        rows = tf.shape(inputs)[1] if rows is None else rows
        nothing = tf.zeros((rows, units), inputs.dtype)
        n_kept = forward.n_kept

        def there(t: Tensor, state: Any, kept: Any) -> Any:
            after, saved = forward(inputs[t], state)
            if masks:
                m = masks[0][t]
                after = [
                    m * new + (1 - m) * old
                    for new, old in zip(after, state, strict=True)
                ]
            kept = [
                array.write(t, value)
                for array, value in zip(kept, (*after, *saved), strict=True)
            ]
            return t + 1, after, kept

        arrays = [
            tf.TensorArray(inputs.dtype, steps, element_shape=(inputs.shape[1], units))
            for _ in range(forward.n_states + n_kept)
        ]
        *_, kept = tf.while_loop(
            lambda t, *_: t < steps,
            there,
            (tf.constant(0), [nothing] * forward.n_states, arrays),
            maximum_iterations=steps,
        )
        kept = [array.stack() for array in kept]
        before = [
            tf.concat([nothing[None], array[:-1]], axis=0)
            for array in kept[: forward.n_states]
        ]

        def gradient(upstream: Tensor) -> Any:
            def back(i: Tensor, slopes: Any, gates: Any) -> Any:
                t = steps - 1 - i
                slopes = [slopes[0] + upstream[t], *slopes[1:]]
                m = masks[0][t] if masks else None
                taken = slopes if m is None else [slope * m for slope in slopes]
                earlier, of_inputs, of_kernel = backward(
                    taken,
                    [array[t] for array in before],
                    [array[t] for array in kept],
                )
                if m is not None:
                    earlier = [
                        new + (1 - m) * old
                        for new, old in zip(earlier, slopes, strict=True)
                    ]
                values = (of_inputs, of_kernel)
                gates = [g.write(t, v) for g, v in zip(gates, values, strict=False)]
                return i + 1, earlier, gates

            width = inputs.shape[2]
            gates = [
                tf.TensorArray(
                    inputs.dtype, steps, element_shape=(inputs.shape[1], width)
                )
                for _ in range(1 if forward.shares_gates else 2)
            ]
            *_, gates = tf.while_loop(
                lambda i, *_: i < steps,
                back,
                (tf.constant(0), [nothing] * forward.n_states, gates),
                maximum_iterations=steps,
            )
            of_inputs, of_kernel = gates[0].stack(), gates[-1].stack()
            flat = tf.reshape(of_kernel, (-1, width))
            slope = tf.matmul(
                tf.reshape(before[0], (-1, units)), flat, transpose_a=True
            )
            rest = [None] * len(masks)
            return (of_inputs, slope, tf.reduce_sum(flat, axis=0), *rest)

        return kept[0], gradient

    return states(inputs, kernel, bias, *masks)


class _LSTM:
    """Gates in Keras' order: input, forget, candidate, output; state h, c."""

    n_states, n_kept, shares_gates = 2, 4, True

    def __init__(self, tf: Any, kernel: Tensor, bias: Tensor) -> None:
        self.tf, self.kernel = tf, kernel

    def __call__(self, inputs: Tensor, state: Any) -> Any:
        tf = self.tf
        h, c = state
        i, f, g, o = tf.split(inputs + tf.matmul(h, self.kernel), 4, axis=1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        c = f * c + i * g
        return [o * tf.tanh(c), c], [i, f, g, o]

    def back(self, slopes: Any, before: Any, kept: Any) -> Any:
        tf = self.tf
        dh, dc = slopes
        _, _, i, f, g, o = kept
        # Of the cell as it would be without a mask, which `kept` may not have.
        tanh_c = tf.tanh(f * before[1] + i * g)
        dc = dc + dh * o * (1 - tanh_c * tanh_c)
        gates = tf.concat(
            [
                dc * g * i * (1 - i),
                dc * before[1] * f * (1 - f),
                dc * i * (1 - g * g),
                dh * tanh_c * o * (1 - o),
            ],
            axis=1,
        )
        return [tf.matmul(gates, self.kernel, transpose_b=True), dc * f], gates, gates


class _GRU:
    """Gates in Keras' order: update, reset, candidate; the reset acts on a product."""

    n_states, n_kept, shares_gates = 1, 4, False

    def __init__(self, tf: Any, kernel: Tensor, bias: Tensor) -> None:
        self.tf, self.kernel, self.bias = tf, kernel, bias

    def __call__(self, inputs: Tensor, state: Any) -> Any:
        tf = self.tf
        (h,) = state
        own = tf.split(tf.matmul(h, self.kernel) + self.bias, 3, axis=1)
        given = tf.split(inputs, 3, axis=1)
        z, r = tf.sigmoid(given[0] + own[0]), tf.sigmoid(given[1] + own[1])
        g = tf.tanh(given[2] + r * own[2])
        return [z * h + (1 - z) * g], [z, r, g, own[2]]

    def back(self, slopes: Any, before: Any, kept: Any) -> Any:
        tf = self.tf
        (dh,) = slopes
        _, z, r, g, own = kept
        dz = dh * (before[0] - g) * z * (1 - z)
        dg = dh * (1 - z) * (1 - g * g)
        dr = dg * own * r * (1 - r)
        of_inputs = tf.concat([dz, dr, dg], axis=1)
        of_kernel = tf.concat([dz, dr, dg * r], axis=1)
        earlier = tf.matmul(of_kernel, self.kernel, transpose_b=True) + dh * z
        return [earlier], of_inputs, of_kernel


def _made(kind: Any) -> Any:
    def make(tf: Any, kernel: Tensor, bias: Tensor) -> Any:
        cell = kind(tf, kernel, bias)
        return cell, cell.back

    return make


GRAPH_CELLS = {"lstm": _made(_LSTM), "gru": _made(_GRU)}
