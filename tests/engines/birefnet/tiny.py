"""A real ONNX model with BiRefNet's inputs and outputs whose answer is known: what is dark is the subject."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

SIDE_PX = 1024
# The logit is this steep in the brightness that the published normalisation makes; half way, grey 118, it is 0.
STEEPNESS = 40.0
SHAPE = (1, 3, SIDE_PX, SIDE_PX)


def write_tiny_model(
    path: Path,
    *,
    shape: Sequence[int | str] = SHAPE,
    kind: int = TensorProto.FLOAT,
    channels: int = 1,
    rounds: int = 0,
    external: str = "",
    scale: float = -STEEPNESS,
) -> Path:
    """Write it; ``rounds`` convolutions before the answer take a while, ``external`` is a file for a tensor."""
    weights = [numpy_helper.from_array(np.array(scale, np.float32), "steepness")]
    if external:
        weights[0].ClearField("raw_data")
        weights[0].data_location = TensorProto.EXTERNAL
        entry = weights[0].external_data.add()
        entry.key, entry.value = "location", external
    nodes: list[NodeProto] = []
    last = "input_image"
    if rounds:
        kernel = np.full((3, 3, 7, 7), 1 / 147, np.float32)
        weights.append(numpy_helper.from_array(kernel, "kernel"))
    for number in range(rounds):
        nodes.append(helper.make_node("Conv", [last, "kernel"], [f"blurred{number}"], pads=[3, 3, 3, 3]))
        last = f"blurred{number}"
    nodes += [
        helper.make_node("ReduceMean", [last], ["brightness"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["brightness", "steepness"], ["one"]),
        helper.make_node("Concat", ["one"] * channels, ["output_image"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input_image", kind, shape)],
        [helper.make_tensor_value_info("output_image", TensorProto.FLOAT, (1, channels, *shape[2:]))],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    if not external:
        onnx.checker.check_model(model)
    return path


def write_tiny_weights(folder: Path, rounds: int = 0) -> Path:
    """The operator's folder with the tiny model where BiRefNet's is looked for; returns the model."""
    return write_tiny_model(folder / "birefnet" / "model.onnx", rounds=rounds)
