"""Preprocessing as torchvision does it, ONNX files on the command line, and networks of PyTorch."""

from __future__ import annotations

import json

import numpy as np
import pytest
import swiftcnn as sc
from swiftcnn import nn, vision
from swiftcnn._command_line import main

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
RNG = np.random.default_rng(9)


def picture(width, height, mode="RGB"):
    shape = (height, width) if mode == "L" else (height, width, len(mode))
    return Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8), mode)


def test_a_plain_image_by_hand():
    image = Image.new("RGB", (40, 30), (255, 0, 51))
    x = vision.preprocess(image, (8, 10), shorter_side=12, mean=(0.5, 0.25, 0.0), std=(0.5, 0.5, 0.1))
    assert x.shape == (3, 8, 10) and x.dtype == np.float32 and x.flags.c_contiguous
    np.testing.assert_allclose(x[:, 0, 0], [1, -0.5, 2], rtol=1e-6)
    assert (x == x[:, :1, :1]).all()


def test_the_cut_is_around_the_centre_and_outside_is_black():
    pixels = np.arange(6 * 5, dtype=np.uint8).reshape(6, 5)
    image = Image.fromarray(pixels, "L")
    x = vision.preprocess(image, (4, 3), shorter_side=5, mean=(0.0,), std=(1 / 255,))  # 5 is its shorter side already
    np.testing.assert_allclose(x[0], pixels[1:5, 1:4], atol=1e-4)
    x = vision.preprocess(image, (8, 8), shorter_side=5, mean=(0.0,), std=(1 / 255,))
    np.testing.assert_allclose(x[0], np.pad(pixels, ((1, 1), (1, 2))), atol=1e-4)


@pytest.mark.parametrize("size", [(320, 240), (240, 320), (500, 501), (224, 224), (100, 60), (17, 900)])
def test_as_torchvision(size):
    transforms = pytest.importorskip("torchvision.transforms", reason="torchvision is not installed")
    image = picture(*size)
    theirs = transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize(vision.IMAGENET_MEAN, vision.IMAGENET_STD),
        ]
    )(image).numpy()
    np.testing.assert_allclose(vision.preprocess(image), theirs, rtol=0, atol=1e-6)  # float32's rounding of numbers up to 3


def test_what_cannot_be():
    image = picture(9, 9)
    for wrong in ({"size": (0, 3)}, {"shorter_side": 0}, {"mean": (0.0, 0.0), "std": (1.0, 1.0)}, {"std": (1.0, 0.0, 1.0)}):
        with pytest.raises(sc.InvalidArgumentError):
            vision.preprocess(image, **wrong)
    with pytest.raises(sc.ShapeError):
        vision.top_classes([0.5, 0.5])
    with pytest.raises(sc.InvalidArgumentError):
        vision.top_classes([[0.5, 0.5]], names=["one"])


@pytest.fixture
def files(tmp_path):
    sc.manual_seed(2)
    net = nn.Sequential(nn.Conv2d(3, 4, 5, stride=3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3)).build((3, 32, 32))
    net.save(tmp_path / "net.onnx")
    picture(50, 40).save(tmp_path / "a.png")
    picture(64, 64, "L").save(tmp_path / "b.png")
    (tmp_path / "names.txt").write_text("cat\ndog\nbird\n")
    return tmp_path, net


def test_predict(files, capsys):
    folder, net = files
    images = [str(folder / name) for name in ("a.png", "b.png")]
    command = ["predict", str(folder / "net.onnx"), *images, "--labels", str(folder / "names.txt"), "--top", "2", "--json"]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    shares = net.predict_proba(np.stack([vision.preprocess(image, (32, 32)) for image in images]))
    for answer, image, row in zip(found, images, shares):
        assert answer["file"] == image
        best = np.argsort(-row)[:2]
        assert [entry["class"] for entry in answer["classes"]] == [["cat", "dog", "bird"][i] for i in best]
        np.testing.assert_allclose([entry["certainty"] for entry in answer["classes"]], row[best], rtol=1e-6)
    assert main(command[:-1]) == 0 and "%" in capsys.readouterr().out
    assert main(["predict", str(folder / "net.onnx"), str(folder / "names.txt")]) == 1
    assert "wanted an image" in capsys.readouterr().err
    (folder / "names.txt").write_text("one\n")
    assert main(command) == 1 and "wanted 3 names" in capsys.readouterr().err


def test_bench(files, capsys):
    folder, _ = files
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    command = ["bench", str(folder / "net.onnx"), "--against", "onnxruntime", "--seconds", "0.05", "--batch", "2"]
    assert main([*command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["library"] for row in rows] == ["swiftcnn", "onnxruntime"]
    for row in rows:
        assert row["fastest"] <= row["median"] and row["runs"] >= 5 and row["difference"] < 1e-5
    assert main(command) == 0 and "swiftcnn" in capsys.readouterr().out
    assert main([*command, "--profile"]) == 0 and "Conv" in capsys.readouterr().out
    assert main([*command, "--profile", "--json"]) == 0
    ours, other = json.loads(capsys.readouterr().out)
    assert ours["peak"] > 0 and all(step["seconds"] >= 0 for step in ours["steps"]) and "steps" not in other
    assert main(["bench", str(folder / "net.onnx"), "--against", "abacus"]) == 2


def test_bench_leaves_out_what_does_not_run(files, capsys):
    folder, _ = files
    assert main(["bench", str(folder / "net.onnx"), "--against", "torch", "--seconds", "0.05", "--json"]) == 1
    out, err = capsys.readouterr()
    assert [row["library"] for row in json.loads(out)] == ["swiftcnn"]
    assert "torch is left out: PyTorch reads no ONNX files, and there is no TorchScript" in err and "net.pt" in err


def test_bench_beside_torch(files, capsys):
    folder, _ = files
    torch = pytest.importorskip("torch", reason="torch is not installed")
    net = sc.load(folder / "net.onnx")
    size = [1, *net.inputs[0].shape[1:]]
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(int(np.prod(size)), 3))
    torch.jit.trace(module, torch.zeros(size)).save(folder / "net.pt")
    assert main(["bench", str(folder / "net.onnx"), "--against", "torch", "--seconds", "0.05", "--json"]) == 0
    (folder / "net.pt").unlink()
    _, theirs = json.loads(capsys.readouterr().out)
    assert theirs["library"] == "torch" and theirs["fastest"] > 0 and theirs["difference"] > 0


def test_from_torch():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, stride=2),
        torch.nn.BatchNorm2d(8),
        torch.nn.Hardswish(),
        torch.nn.Flatten(),
        torch.nn.Linear(72, 4),
    ).train()
    net = sc.from_torch(module, torch.zeros(1, 3, 8, 8))
    assert module.training
    x = torch.randn(5, 3, 8, 8)
    with torch.no_grad():
        theirs = module.eval()(x).numpy()
    np.testing.assert_allclose(net.predict(x), theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())  # sums in another order
    with pytest.raises(sc.DTypeError, match="module must be"):
        sc.from_torch(lambda x: x, x)
    with pytest.raises(sc.DTypeError, match="example_input must be"):
        sc.from_torch(module, 3)
