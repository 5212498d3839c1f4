"""``python -m swiftcnn`` from end to end, on tiny data made here: what it prints, writes, refuses, and its exit status."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from swiftcnn._command_line import main
from swiftcnn._command_line._networks import MODELS

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ("left", "right", "top")
TRAIN = ("--epochs", "8", "--batch", "10", "--rate", "0.01")


def images(count, seed, height=8, width=10):
    """Bytes ``x[count][height][width]``, dark but for a bright half, and which half it is: `CLASSES` in turn."""
    x = np.random.default_rng(seed).integers(0, 60, (count, height, width)).astype(np.uint8)
    t = np.arange(count) % 3
    x[t == 0, :, : width // 2] += 180
    x[t == 1, :, width // 2 :] += 180
    x[t == 2, : height // 2] += 180
    return x, t


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The same images as an .npz, as gzipped and plain IDX files, and as folders of PNG files."""
    from PIL import Image

    root = tmp_path_factory.mktemp("data")
    parts = {"train": images(90, 1), "test": images(30, 2)}
    (x, t), (x_test, t_test) = parts["train"], parts["test"]
    names = np.array(CLASSES)
    np.savez(root / "halves.npz", x_train=x, y_train=names[t], x_test=x_test, y_test=names[t_test])
    for folder, open_file, end in (("idx", open, ""), ("idx-gz", gzip.open, ".gz")):
        (root / folder).mkdir()
        for part, title in (("train", "train"), ("test", "t10k")):
            for array, kind in ((parts[part][0], "images-idx3"), (parts[part][1].astype(np.uint8), "labels-idx1")):
                head = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
                with open_file(root / folder / f"{title}-{kind}-ubyte{end}", "wb") as file:
                    file.write(head + array.tobytes())
    for part, (pixels, labels) in parts.items():
        for i, (plane, label) in enumerate(zip(pixels, labels)):
            place = root / "folder" / part / CLASSES[label]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(plane).save(place / f"{i:02}.png")
    return root


@pytest.fixture(scope="module")
def kept(data, tmp_path_factory):
    """A network that reads all of them right."""
    file = tmp_path_factory.mktemp("kept") / "halves.npz"
    assert main(["train", "--data", str(data / "halves.npz"), *TRAIN, "--save", str(file), "--quiet"]) == 0
    return file


@pytest.fixture
def run(capsys):
    """Runs a command in this process: (status, what it printed, what it complained of)."""

    def call(*arguments):
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        return (status, *capsys.readouterr())

    return call


def arrays(file):
    with np.load(file) as archive:
        return {name: archive[name] for name in archive.files}


# ---- What it does ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_train_evaluate_predict_summary(run, data, tmp_path, suffix):
    file, picture = tmp_path / f"net{suffix}", tmp_path / "net.png"
    status, out, _ = run("train", "--data", data / "halves.npz", *TRAIN, "--save", file, "--plot", picture)
    assert status == 0
    assert "90 images to train with, 30 held out for the test, 1x8x10, 3 classes" in out
    assert out.count("epoch ") == 8 and "test accuracy  100.00% (30 of 30)" in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert [entry.name for entry in sorted(tmp_path.iterdir())] == sorted([file.name, picture.name])

    status, out, _ = run("evaluate", file, "--data", data / "folder", "--json")
    found = json.loads(out)
    assert (status, found["images"], found["right"], found["accuracy"], found["confused"]) == (0, 30, 30, 1.0, [])
    assert 0 < found["loss"] < 0.2

    status, out, _ = run("predict", file, data / "folder/test/left/00.png", data / "folder/test/top/02.png")
    assert status == 0
    assert [line.split()[1] for line in out.splitlines()] == ["left", "top"]

    status, out, _ = run("summary", file)
    assert status == 0
    assert "left, right, top" in out and "1x8x10" in out and "epochs done    8" in out and "1 read" not in out


def test_a_checkpoint_goes_on_with_the_same_bits(run, data, tmp_path):
    given = ("train", "--data", data / "halves.npz", "--batch", 10, "--rate", 0.01, "--validation", 0.2, "--ema", 0.9)
    given += ("--shift", 1, "--flip", "--crop", 1, "--cutout", 2, "--mixup", 0.2)
    status, out, _ = run(*given, "--epochs", 4, "--checkpoint", tmp_path / "whole.npz", "--save", tmp_path / "a.npz")
    assert status == 0
    assert "72 images to train with, 18 held out for validation" in out
    assert out.count("validation loss") == 4 and "validation accuracy  " in out and "test accuracy" not in out
    for epochs, begin in ((2, ""), (4, "goes on after epoch 2"), (4, "goes on after epoch 4")):
        status, out, _ = run(*given, "--epochs", epochs, "--checkpoint", tmp_path / "part.npz", "--save", tmp_path / "b.npz")
        assert status == 0 and begin in out
    for one, other in (("whole", "part"), ("a", "b")):
        ours, theirs = arrays(tmp_path / f"{one}.npz"), arrays(tmp_path / f"{other}.npz")
        assert list(ours) == list(theirs) and all(np.array_equal(ours[name], theirs[name]) for name in ours)
    kept, trained = arrays(tmp_path / "a.npz"), arrays(tmp_path / "whole.npz")
    assert not np.array_equal(kept["0.weight"], trained["0.weight"])  # the averages are kept
    status, _, complaint = run(*given, "--optimizer", "sgd", "--checkpoint", tmp_path / "part.npz")
    assert status == 1 and "was trained with optimizer Adam, the network has SGD" in complaint


@pytest.mark.parametrize("kind", ["idx", "idx-gz", "folder"])
def test_all_kinds_of_data_train_alike(run, data, tmp_path, kind):
    for name in ("halves.npz", kind):
        assert run("train", "--data", data / name, "--epochs", 1, "--save", tmp_path / f"{Path(name).stem}.npz")[0] == 0
    ours, theirs = arrays(tmp_path / "halves.npz"), arrays(tmp_path / f"{kind}.npz")
    wanted = {name for name in ours if name[0].isdigit()}
    assert len(wanted) == 6
    for name in wanted:
        assert ours[name].shape == theirs[name].shape
        if kind != "folder":  # which is read class by class, so that its images come in another order
            # A byte of an .npz is divided by 255 in float64: what that rounds otherwise grows a little in a step.
            np.testing.assert_allclose(ours[name], theirs[name], atol=1e-5)


def test_labels_go_by_name(run, kept, tmp_path):
    x, t = images(60, 7)
    some = t != 0
    np.savez(tmp_path / "some.npz", x=x[some], y=np.array(CLASSES)[t[some]])
    found = json.loads(run("evaluate", kept, "--data", tmp_path / "some.npz", "--json")[1])
    assert (found["images"], found["accuracy"]) == (8, 1.0)


def test_evaluate_names_what_is_confused(run, kept, tmp_path):
    x, t = images(60, 7)
    np.savez(tmp_path / "turned.npz", x=x[:, ::-1], y=np.array(CLASSES)[t])  # what was bright above is so below
    status, out, _ = run("evaluate", kept, "--data", tmp_path / "turned.npz")
    assert status == 0
    assert "test accuracy  66.67% (8 of 12)" in out and "most confused  top read as " in out


def test_a_seed_repeats_a_training(run, data, tmp_path):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        run("train", "--data", data / "halves.npz", "--epochs", 2, "--seed", seed, "--save", tmp_path / f"{name}.npz")
    a, b, c = (arrays(tmp_path / f"{name}.npz") for name in "abc")
    assert all(a[name].tobytes() == b[name].tobytes() for name in a)
    assert not np.array_equal(a["0.weight"], c["0.weight"])


def test_training_goes_on_from_a_file(run, data, kept, tmp_path):
    def first_loss(*arguments):
        _, out, _ = run("train", "--data", data / "halves.npz", "--epochs", 1, *arguments)
        return float(out.split("epoch 1/1: loss ")[1].split(",")[0])

    assert first_loss("--start", kept) < 0.1 < first_loss()


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "rmsprop", "adam", "adamw", "bookadam"])
def test_optimizers(run, data, optimizer):
    status, out, _ = run("train", "--data", data / "halves.npz", "--epochs", 10, "--optimizer", optimizer, "--batch", 10)
    assert status == 0
    assert float(out.split("test accuracy  ")[1].split("%")[0]) > 90, out


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "one-cycle", "plateau"])
def test_schedules(run, data, schedule, monkeypatch):
    from swiftcnn import nn

    rates = []
    fit = nn.Module.fit

    def watched(*arguments, **named):
        history = fit(*arguments, **named)
        rates.extend(history["lr"])
        return history

    monkeypatch.setattr(nn.Module, "fit", watched)
    status, _, _ = run("train", "--data", data / "halves.npz", "--epochs", 6, "--schedule", schedule, "--rate", 0.01)
    assert status == 0
    wanted = {
        "constant": [0.01] * 6,
        "step": [0.01, 0.01, 0.001, 0.001, 0.0001, 0.0001],
        "cosine": [0.005 * (1 + np.cos(np.pi * epoch / 6)) for epoch in range(6)],
        "plateau": [0.01] * 6,  # the loss of such easy images falls to the end
    }.get(schedule)
    if wanted:
        np.testing.assert_allclose(rates, wanted, rtol=1e-6)
    else:
        assert rates[0] == pytest.approx(0.01 / 25) and max(rates) > 0.009 and rates[-1] < 0.002


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_a_summary(run, name):
    status, out, _ = run("summary", name, "--shape", "3x32x32", "--classes", 7)
    assert status == 0
    assert "7 classes: 0, 1, 2, 3, 4, 5, 6" in out and "multiply-adds" in out


def test_images_are_changed_in_training(run, data):
    def losses(*arguments):
        _, out, _ = run("train", "--data", data / "halves.npz", *TRAIN, *arguments)
        return [float(part.split(",")[0]) for part in out.split(": loss ")[1:]]

    plain = losses()
    assert plain[-1] < 0.1
    # Mirrored, left and right are the same: of three classes, two can only be guessed at, each with probability 1/2.
    assert losses("--flip")[-1] > 0.8 * np.log(2) * 2 / 3
    assert losses("--shift", "2")[0] != plain[0]


def test_predict_shows_the_likeliest_classes(run, data, kept):
    file = data / "folder/test/right/01.png"
    status, out, _ = run("predict", kept, file, "--top", 9, "--json")
    (answer,) = json.loads(out)
    certainties = [entry["certainty"] for entry in answer["classes"]]
    assert (status, answer["file"], answer["classes"][0]["class"]) == (0, str(file), "right")
    assert sorted(entry["class"] for entry in answer["classes"]) == sorted(CLASSES)
    assert certainties == sorted(certainties, reverse=True) and sum(certainties) == pytest.approx(1)
    _, out, _ = run("predict", kept, file, "--top", 2)
    assert out.count("%") == 2 and f"right {certainties[0]:.1%}" in out


def test_predict_takes_other_images(run, kept, tmp_path):
    from PIL import Image

    (plane, *_), _ = images(3, 3)
    Image.fromarray(255 - plane).save(tmp_path / "dark.png")
    Image.fromarray(plane).convert("RGB").resize((40, 32)).save(tmp_path / "colour.png")
    status, out, _ = run("predict", kept, tmp_path / "dark.png", "--invert")
    assert status == 0 and " left " in out
    status, out, _ = run("predict", kept, tmp_path / "colour.png", "--resize")
    assert status == 0 and " left " in out


# ---- What it keeps ---------------------------------------------------------------------------------------------------


def test_a_crash_while_writing_leaves_the_old_file(run, data, kept, tmp_path, monkeypatch):
    file = tmp_path / "net.npz"
    file.write_bytes(kept.read_bytes())

    def crash(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", crash)
    status, _, complaint = run("train", "--data", data / "halves.npz", "--epochs", 1, "--save", file)
    assert (status, complaint) == (1, "swiftcnn: no space left on device\n")
    assert file.read_bytes() == kept.read_bytes() and list(tmp_path.iterdir()) == [file]


def test_a_loss_beyond_numbers_ends_the_training(run, data, kept, tmp_path):
    file = tmp_path / "net.npz"
    file.write_bytes(kept.read_bytes())
    status, _, complaint = run("train", "--data", data / "halves.npz", "--optimizer", "sgd", "--rate", 1e30, "--save", file)
    assert status == 1 and "a lower --rate" in complaint
    assert file.read_bytes() == kept.read_bytes()


def test_ctrl_c_keeps_what_was_learned(data, tmp_path, run):
    file = tmp_path / "net.npz"
    command = [sys.executable, "-m", "swiftcnn", "train", "--data", str(data / "halves.npz"), *TRAIN]
    command += ["--epochs", "1000000", "--save", str(file), "--plot", str(tmp_path / "net.png")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith("epoch 20/"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, complaint = process.communicate(timeout=60)
    assert process.returncode == 130, complaint
    assert "ended early by Ctrl-C" in out and complaint == ""
    assert (tmp_path / "net.png").stat().st_size > 0
    assert json.loads(run("evaluate", file, "--data", data / "halves.npz", "--json")[1])["accuracy"] == 1.0


# ---- What it refuses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["learn"], "invalid choice: 'learn'"),
        (["train", "--epochs", "0"], "--epochs: wanted a whole number of at least 1, got 0"),
        (["train", "--batch", "1.5"], "--batch: wanted a whole number of at least 1, got 1.5"),
        (["train", "--rate", "nan"], "--rate: wanted a number of at least 0, got nan"),
        (["train", "--momentum", "1"], "--momentum: wanted a number of at least 0 and below 1, got 1"),
        (["train", "--momentum", "0.5"], "--momentum: it is for --optimizer sgd, got adam"),
        (["train", "--seed", "-1"], "--seed: wanted a whole number of at least 0"),
        (["train", "--shift", "x"], "--shift: wanted a whole number of at least 0, got x"),
        (["train", "--model", "perceptron"], "invalid choice: 'perceptron'"),
        (["train", "--model", "deep", "--start", "a.npz"], "not allowed with argument --model"),
        (["train", "--save", "net.txt"], "--save: wanted a file name that ends in .npz or .safetensors, got net.txt"),
        (["train", "--save", "nowhere/net.npz"], "--save: no such folder: nowhere"),
        (["train", "--plot", "net.jpg"], "--plot: wanted a file name that ends in .png, got net.jpg"),
        (["evaluate", "net.onnx"], "NETWORK: wanted a file name that ends in .npz or .safetensors, got net.onnx"),
        (["predict", "net.npz"], "required: IMAGE"),
        (["predict", "net.npz", "a.png", "--top", "0"], "--top: wanted a whole number of at least 1, got 0"),
        (["summary", "perceptron"], "NETWORK: wanted a file name that ends in .npz or .safetensors or .onnx, or one of simple"),
        (["bench", "net.npz"], "FILE: wanted a file name that ends in .onnx, got net.npz"),
        (["summary", "simple", "--shape", "28x28"], "--shape: wanted channels x height x width, such as 3x32x32, got 28x28"),
    ],
)
def test_bad_arguments(run, arguments, message):
    status, out, complaint = run(*arguments)
    assert (status, out) == (2, "")
    assert message in complaint


def test_bad_data(run, data, kept, tmp_path):
    (tmp_path / "broken.npz").write_bytes((data / "halves.npz").read_bytes()[:100])
    x, t = images(30, 4, 9, 9)
    np.savez(tmp_path / "square.npz", x=x, y=t)
    x, t = images(30, 4)
    np.savez(tmp_path / "numbers.npz", x=x, y=t)
    for arguments, message in (
        (("train", "--data", "nowhere"), "nowhere: wanted an .npz file, a folder of IDX files or a folder of images"),
        (("train", "--data", tmp_path / "broken.npz"), "broken.npz: wanted an .npz of plain arrays"),
        (("train", "--data", data / "halves.npz", "--model", "lenet5"), "lenet5 does not take images of 1x8x10"),
        (("train", "--data", tmp_path / "square.npz", "--start", kept), "takes images of 1x8x10, these are 1x9x9"),
        (("evaluate", kept, "--data", tmp_path / "numbers.npz"), "knows the classes left, right, top, but not 0, 1, 2"),
    ):
        status, _, complaint = run(*arguments)
        assert status == 1 and complaint.startswith("swiftcnn: ") and complaint.count("\n") == 1, complaint
        assert message in complaint


def test_bad_networks(run, data, kept, tmp_path):
    whole = arrays(kept)

    def notes(**changed):
        return {"__swiftcnn__": np.array(json.dumps({**json.loads(str(whole["__swiftcnn__"])), **changed}))}

    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "broken.npz").write_bytes(kept.read_bytes()[:-200])
    (tmp_path / "text.npz").write_text("not an archive")
    (tmp_path / "text.safetensors").write_text("not an archive")
    np.savez(tmp_path / "text-notes.npz", **{**whole, "__swiftcnn__": np.array("{")})
    np.savez(tmp_path / "list-notes.npz", **{**whole, "__swiftcnn__": np.array("[1]")})
    np.savez(tmp_path / "future.npz", **{**whole, **notes(version=99)})
    np.savez(tmp_path / "model.npz", **{**whole, **notes(model="perceptron")})
    np.savez(tmp_path / "unhashable.npz", **{**whole, **notes(model=["simple"])})
    np.savez(tmp_path / "shape.npz", **{**whole, **notes(shape=[1, 8])})
    np.savez(tmp_path / "extents.npz", **{**whole, **notes(shape=[1, -8, 8])})
    np.savez(tmp_path / "names.npz", **{**whole, **notes(class_names=[1, 2, 3])})
    np.savez(tmp_path / "classes.npz", **{**whole, **notes(class_names=["a", "b"])})
    np.savez(tmp_path / "missing.npz", **{name: array for name, array in whole.items() if name != "0.bias"})
    for name, message in (
        ("nothing.npz", "no such file"),
        ("folder.npz", "not a file"),
        ("broken.npz", "whole .npz file"),
        ("text.npz", "whole .npz file"),
        ("text.safetensors", "whole .safetensors file"),
        ("text-notes.npz", "wanted a whole network file"),
        ("list-notes.npz", "not how their network is built"),
        ("future.npz", "wanted version 1 of these files, got 99"),
        ("model.npz", "wanted one of the models simple, deep"),
        ("unhashable.npz", "wanted one of the models simple, deep"),
        ("shape.npz", "wanted a shape of 3 numbers"),
        ("extents.npz", "must be at least 1, got -8"),
        ("names.npz", "names of classes"),
        ("classes.npz", "must have shape (2, 100), got (3, 100)"),
        ("missing.npz", "lacks 0.bias"),
    ):
        for command in ("evaluate", "summary", "predict"):
            given = {"predict": ("image.png",), "evaluate": ("--data", data / "halves.npz"), "summary": ()}[command]
            status, out, complaint = run(command, tmp_path / name, *given)
            assert (status, out) == (1, ""), name
            assert complaint.startswith("swiftcnn: ") and complaint.count("\n") == 1, complaint
            assert name in complaint and message in complaint
    status, _, complaint = run("evaluate", data / "halves.npz")
    assert status == 1 and "not how their network is built: train --save writes that" in complaint


def test_a_bad_image_does_not_keep_the_others_from_an_answer(run, data, kept, tmp_path):
    from PIL import Image

    Image.new("L", (5, 4)).save(tmp_path / "small.png")
    (tmp_path / "text.png").write_text("not an image")
    bad = [tmp_path / "small.png", tmp_path / "text.png", tmp_path / "nothing.png", tmp_path]
    status, out, complaint = run("predict", kept, *bad, data / "folder/test/top/02.png")
    assert status == 1
    assert out.count("\n") == 1 and " top " in out
    small, text, nothing, folder = complaint.splitlines()
    assert "small.png: wanted 10 x 8 pixels, got 5 x 4; --resize scales images" in small
    assert "text.png" in text and "not an image" in text and "nothing.png" in nothing and str(tmp_path) in folder


def test_it_is_a_module_with_help():
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}

    def python_m(*arguments):
        command = [sys.executable, "-m", "swiftcnn", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    shown = python_m("--help")
    assert shown.returncode == 0 and shown.stderr == ""
    assert all(command in shown.stdout for command in ("train", "evaluate", "predict", "summary"))
    assert python_m("train", "--help").returncode == 0
    assert python_m("evaluate", "nothing.npz").returncode == 1
    assert python_m("evaluate").returncode == 2
