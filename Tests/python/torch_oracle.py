"""PyTorch as the second oracle: one module of ours and one of PyTorch's over the same numbers, compared in float64.

Importing this skips the tests of a file where PyTorch is not installed; `make oracle` makes an environment that has it.
"""

from __future__ import annotations

import numpy as np
import pytest
from swiftcnn import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed; make oracle has an environment with it")
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

# Both compute in float64, and differ by the order of their sums alone: n terms by at most n * 1e-16 of the largest. Sums here
# have fewer than 1e5 terms, and layers behind one another amplify that a little.
CLOSE = 1e-9


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def assert_close(ours, theirs, what, close=CLOSE):
    """Within `close` of the largest element of theirs."""
    theirs = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else np.asarray(theirs)
    assert ours.shape == theirs.shape, f"{what}: shape {ours.shape}, PyTorch has {theirs.shape}"
    np.testing.assert_allclose(ours, theirs, rtol=close, atol=close * max(1e-3, np.abs(theirs).max(initial=0)), err_msg=what)


def arrays_of(module):
    """The state of a module of PyTorch's, as arrays."""
    return {name: tensor.detach().numpy().copy() for name, tensor in module.state_dict().items()}


class Moved(nn.Module):
    """`body` of values that are parameters, so that there is a gradient by each; what is handed in is added to the first."""

    def __init__(self, body, arrays):
        self.body = body
        self.inputs = [nn.Parameter.of(np.array(array, np.float64)) for array in arrays]
        for i, parameter in enumerate(self.inputs):
            setattr(self, f"input{i}", parameter)

    def forward(self, x):
        first, *others = self.inputs
        return self.body(x + first, *(x.graph.of(other) for other in others))


def compare(ours, theirs, *inputs, close=CLOSE):
    """Our module (or function of values) against PyTorch's: what they give in training, the gradients by all inputs and
    parameters, the buffers after that step, and what they give in inference. Ours takes over the numbers of theirs."""
    given = [np.asarray(array, np.float64) for array in inputs]
    is_module = isinstance(ours, nn.Module)
    if is_module:
        theirs = theirs.double().train()
        result = ours.load_state_dict(arrays_of(theirs))  # strict: the same keys
        assert result == ([], []), result
    net = Moved(ours, given).double()
    tensors = [torch.tensor(array, requires_grad=True) for array in given]
    y = theirs(*tensors)
    wanted = normal(*y.shape, seed=9)
    zero = np.zeros_like(given[0])
    net.compile("mse").build(*[array.shape[1:] for array in given[:1]])
    loss = torch.nn.functional.mse_loss(y, torch.tensor(wanted))
    loss.backward()
    got = net.gradients(zero, wanted)
    assert abs(got - loss.item()) <= close * max(1, abs(loss.item())), f"loss {got}, PyTorch has {loss.item()}"
    for i, tensor in enumerate(tensors):
        gradient = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
        assert_close(net.inputs[i].grad, gradient, f"gradient by input {i}", close)
    if not is_module:
        return assert_close(net.predict(zero, len(zero)), y, "y", close)
    parameters = dict(ours.named_parameters())
    for name, parameter in theirs.named_parameters():
        assert_close(parameters[name].grad, parameter.grad, f"gradient by {name}", close)
    for name, buffer in ours.state_dict().items():
        assert_close(buffer, theirs.state_dict()[name], f"{name} after a step", close)
    with torch.no_grad():
        assert_close(net.predict(zero, len(zero)), theirs.eval()(*tensors), "y in inference", close)
