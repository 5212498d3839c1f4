"""JAX, jitted for the CPU."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
from harness import networks
from harness.workloads import TRAINING_STEPS, Row, Window
from jax import lax

from peers import Job


def convolve(x: Any, w: Any, stride: int, pad: int, groups: int = 1) -> Any:
    how = {"dimension_numbers": ("NCHW", "OIHW", "NCHW"), "feature_group_count": groups}
    return lax.conv_general_dilated(x, w, (stride,) * 2, [(pad, pad)] * 2, **how)


def pool(x: Any, kernel: int, stride: int, pad: int = 0) -> Any:
    pads = [(0, 0), (0, 0), (pad, pad), (pad, pad)]
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, kernel, kernel), (1, 1, stride, stride), pads)


class Ops:
    def __init__(self, params: Any, statistics: Any = None, key: Any = None) -> None:
        self.params, self.statistics, self.key = params, statistics, key
        self.updated: dict[str, Any] = {}
        self.drops = 0

    def conv(self, name: str, x: Any, filters: int, kernel: int, stride: int, pad: int, bias: bool = True) -> Any:
        y = convolve(x, self.params[f"{name}.w"], stride, pad)
        return y + self.params[f"{name}.b"][None, :, None, None] if bias else y

    def affine(self, name: str, x: Any, units: int) -> Any:
        return x.reshape(x.shape[0], -1) @ self.params[f"{name}.w"] + self.params[f"{name}.b"]

    def batch_norm(self, name: str, x: Any) -> Any:
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
        count, (running_mean, running_variance) = x.size // x.shape[1], self.statistics[name]
        unbiased = variance * (count / (count - 1))
        self.updated[name] = (0.9 * running_mean + 0.1 * mean, 0.9 * running_variance + 0.1 * unbiased)
        scale = self.params[f"{name}.gamma"] * lax.rsqrt(variance + 1e-5)
        return x * scale[None, :, None, None] + (self.params[f"{name}.beta"] - mean * scale)[None, :, None, None]

    def relu(self, x: Any) -> Any:
        return jnp.maximum(x, 0)

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def pool(self, x: Any, kernel: int, stride: int) -> Any:
        return pool(x, kernel, stride)

    def global_average(self, x: Any) -> Any:
        return x.mean((2, 3))

    def dropout(self, x: Any, p: float) -> Any:
        self.drops += 1
        keep = jax.random.bernoulli(jax.random.fold_in(self.key, self.drops), 1 - p, x.shape)
        return jnp.where(keep, x / (1 - p), 0)


def adam(params: Any, moments: Any, grads: Any, count: Any) -> Any:
    first = {name: 0.9 * moments[0][name] + 0.1 * g for name, g in grads.items()}
    second = {name: 0.999 * moments[1][name] + 0.001 * g * g for name, g in grads.items()}
    of_first, of_second = 1 - 0.9**count, 1 - 0.999**count
    steps = {name: 1e-3 / of_first * first[name] / (jnp.sqrt(second[name] / of_second) + 1e-8) for name in grads}
    return {name: params[name] - steps[name] for name in grads}, (first, second)


def momentum(params: Any, moments: Any, grads: Any, count: Any) -> Any:
    first = {name: 0.9 * moments[0][name] + g for name, g in grads.items()}
    return {name: params[name] - 0.1 * first[name] for name in grads}, (first,)


class Peer:
    def __init__(self, threads: int, variant: str, options: dict[str, str]) -> None:
        self.version = f"jax {jax.__version__}"

    def supports(self, row: Row) -> Any:
        return "reads no ONNX" if row.kind == "onnx" else None

    def build(self, row: Row, given: dict[str, Any]) -> Job:
        if not row.window:
            return self.infer(row, given) if row.kind == "infer" else self.train(row, given)
        return self.layer(row.window, row.kind, given)

    def layer(self, w: Window, kind: str, given: dict[str, Any]) -> Job:
        def convolved(x: Any, weight: Any) -> Any:
            return convolve(x, weight, w.stride, w.pad, w.groups)

        def pooled(x: Any) -> Any:
            return pool(x, w.kernel, w.stride, w.pad)

        functions = {
            "forward": ("x w b", "y", lambda x, weight, b: (convolved(x, weight) + b[None, :, None, None],)),
            "backward": (
                *("x w dy", "dx dw db"),
                lambda x, weight, dy: (*jax.vjp(convolved, x, weight)[1](dy), dy.sum((0, 2, 3))),
            ),
            "pool_forward": ("x", "y", lambda x: (pooled(x),)),
            "pool_backward": ("x dy", "dx", lambda x, dy: jax.vjp(pooled, x)[1](dy)),
        }
        takes, gives, function = functions[kind]
        compiled, arrays = jax.jit(function), [jax.device_put(given[name]) for name in takes.split()]

        def run() -> Any:
            return jax.block_until_ready(compiled(*arrays))

        run()
        return Job(run, lambda: {name: np.asarray(value) for name, value in zip(gives.split(), run())})

    def infer(self, row: Row, given: dict[str, Any]) -> Job:
        params, x = jax.device_put(given["params"]), given["xs"][0]
        compiled = jax.jit(lambda params, x: networks.forward(row.model, Ops(params), x))

        def run() -> Any:
            return np.asarray(compiled(params, x))

        run()
        return Job(run, lambda: {"y": run()})

    def train(self, row: Row, given: dict[str, Any]) -> Job:
        xs, ts, count = given["xs"], [t.astype(np.int32) for t in given["ts"]], len(given["xs"])
        update = adam if row.optimizer == "adam" else momentum

        def stepper(dropout: bool) -> Any:
            def loss_of(params: Any, statistics: Any, key: Any, x: Any, t: Any) -> Any:
                ops = Ops(params, statistics, key)
                scores = networks.forward(row.model, ops, x, dropout)
                losses = jax.nn.logsumexp(scores, 1) - jnp.take_along_axis(scores, t[:, None], 1)[:, 0]
                return losses.mean(), ops.updated

            def step(state: Any, x: Any, t: Any) -> Any:
                params, moments, statistics, steps = state
                steps += 1
                key = jax.random.fold_in(jax.random.key(0, impl="rbg"), steps)
                differentiated = jax.value_and_grad(loss_of, has_aux=True)
                (loss, statistics), grads = differentiated(params, statistics, key, x, t)
                params, moments = update(params, moments, grads, steps.astype(jnp.float32))
                return (params, moments, statistics, steps), loss

            return jax.jit(step, donate_argnums=0)

        def start() -> Any:
            params = {name: jnp.array(value, copy=True) for name, value in given["params"].items()}
            moments = tuple({n: jnp.zeros_like(v) for n, v in params.items()} for _ in range(2 if update is adam else 1))
            normalized = {name[:-6]: value.shape for name, value in params.items() if name.endswith(".gamma")}
            statistics = {name: (jnp.zeros(shape), jnp.ones(shape)) for name, shape in normalized.items()}
            return params, moments, statistics, jnp.int32(0)

        step, state, taken = stepper(True), start(), 0

        def run() -> float:
            nonlocal state, taken
            taken += 1
            state, loss = step(state, xs[taken % count], ts[taken % count])
            return float(loss)

        def outputs() -> dict[str, Any]:
            step, state, losses = stepper(False), start(), []
            for i in range(TRAINING_STEPS):
                state, loss = step(state, xs[i % count], ts[i % count])
                losses.append(float(loss))
            return {"losses": np.array(losses)} | {f"param:{name}": np.asarray(v) for name, v in state[0].items()}

        for _ in range(3):
            run()
        return Job(run, outputs)
