"""Well-known networks, without learned numbers: each function makes a module for images of any size that fits it.

>>> import numpy as np
>>> from swiftcnn import models
>>> models.SimpleConvNet()(np.zeros((2, 1, 28, 28), np.float32)).shape
(2, 10)

Layers are named as in PyTorch's torchvision where it has the network, so `load_state_dict` takes its states.
"""

from ._book import DeepConvNet, LeNet5, SimpleConvNet
from ._mobilenet import MobileNetV2
from ._resnet import resnet18, resnet20, resnet50
from ._squeezenet import SqueezeNet
from ._unet import UNet
from ._vgg import vgg11, vgg16

__all__ = [
    "DeepConvNet",
    "LeNet5",
    "MobileNetV2",
    "SimpleConvNet",
    "SqueezeNet",
    "UNet",
    "resnet18",
    "resnet20",
    "resnet50",
    "vgg11",
    "vgg16",
]
