"""What a prediction may keep from an earlier one: nothing, while somebody has the numbers of the network in hand."""

from __future__ import annotations

import gc

import numpy as np
from swiftcnn import nn


def test_predictions_follow_every_write():
    net = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3))
    x = np.random.default_rng(0).standard_normal((2, 3, 12, 12), dtype=np.float32)
    first = net.predict(x)
    assert np.array_equal(net.predict(x), first)
    native = next(net.parameters())._owner().native
    assert not native._is_lent  # so filters are packed once

    held = next(net.parameters())
    view = held.data[1:]
    for _ in range(3):
        view *= 2
        following = net.predict(x)
        assert native._is_lent and not np.array_equal(following, first)
        first = following
    view *= 2
    del view
    gc.collect()
    last = net.predict(x)
    assert not native._is_lent and not np.array_equal(last, first)

    held.data = np.zeros(held.shape, np.float32)
    zeros = net.predict(x)
    assert not native._is_lent and not np.array_equal(zeros, last)
