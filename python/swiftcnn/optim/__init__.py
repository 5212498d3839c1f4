"""Optimizers, with PyTorch's names, arguments, defaults and arithmetic; the engine computes them, in one pass over all
parameters.

They are given to ``compile``. PyTorch's parameters come first here too; without them all are trained, so the learning
rate may come first:

>>> from swiftcnn import nn, optim
>>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
>>> optim.Adam(1e-3)
Adam(lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0)
>>> groups = [{"params": net[0].parameters(), "lr": 0.01}, {"params": net[2].parameters()}]
>>> net = net.compile(optimizer=optim.SGD(groups, lr=0.1, momentum=0.9))

Groups may differ in ``lr`` and ``weight_decay``; parameters that are in no group are not trained. Learning rates change
by `swiftcnn.optim.lr_scheduler`.
"""

from . import lr_scheduler
from ._optimizers import SGD, Adagrad, Adam, AdamW, BookAdam, Optimizer, RMSprop, as_optimizer

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "BookAdam", "Optimizer", "RMSprop", "as_optimizer", "lr_scheduler"]
