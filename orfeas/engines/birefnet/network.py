"""The network in ONNX Runtime: checked when it is loaded, and stopped between two of its nodes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as states

from orfeas.engines.birefnet.files import damaged
from orfeas.errors import Cancelled, OutOfMemory
from orfeas.images.filters import resize
from orfeas.progress import Progress

# What the published model was trained on (its preprocessor_config.json): ImageNet's mean and deviation, RGB in [0, 1].
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], dtype=np.float32)
# The side of the published model's input; an export may fix another.
SIDE_PX = 1024
LEAST_SIDE_PX, MOST_SIDE_PX = 256, 2048
FLOAT = "tensor(float)"
QUIET = 4  # only what is fatal is logged: everything else arrives as an error
POLL_S = 0.05
# What a runtime raises for a file it cannot use: damaged, not ONNX, tensors in other folders, unknown operators.
UNUSABLE = (
    states.Fail,
    states.InvalidArgument,
    states.InvalidGraph,
    states.InvalidProtobuf,
    states.NoSuchFile,
    states.NoModel,
    states.NotImplemented,
    states.RuntimeException,
)
NO_MEMORY = ("bad_alloc", "bad allocation", "Failed to allocate")


class Network:
    """A model file, loaded.

    Args:
        model: ONNX; what it keeps in other files must lie in its own folder, which the runtime sees to.

    Raises:
        EngineUnavailable: it cannot be loaded, or takes or gives something else than BiRefNet does.
    """

    def __init__(self, model: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = QUIET
        # A run takes gigabytes, which an arena would keep.
        options.enable_cpu_mem_arena = False
        self._model = model
        try:
            self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        except UNUSABLE as error:
            raise damaged(model, "ONNX Runtime cannot load it") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or not _is_picture(inputs[0].type, inputs[0].shape, 3):
            raise damaged(model, "it takes something else than one picture, float32 [1, 3, height, width]")
        if not outputs or not _is_picture(outputs[0].type, outputs[0].shape, 1):
            raise damaged(model, "it gives something else than one mask, float32 [1, 1, height, width]")
        height, width = (side if isinstance(side, int) else SIDE_PX for side in inputs[0].shape[2:])
        if not all(LEAST_SIDE_PX <= side <= MOST_SIDE_PX for side in (width, height)):
            raise damaged(model, f"it takes pictures of {width} × {height} pixels")
        self._width, self._height = width, height
        self._input, self._output = inputs[0].name, outputs[0].name

    def find_matte(self, rgb: NDArray[np.uint8], progress: Progress) -> NDArray[np.float32]:
        """The matte ``[h, w]`` in [0, 1], of the network's own size, of a picture ``[H, W, 3]``, which it stretches.

        Raises:
            Cancelled: within a node of the request, which is far less than a second.
            EngineUnavailable: what it gives is no mask.
            OutOfMemory: the memory ran out.
        """
        small = resize(rgb, self._width, self._height)
        pixels = ((small.astype(np.float32) / 255 - MEAN) / DEVIATION).transpose(2, 0, 1)[None]
        logits = self._run(np.ascontiguousarray(pixels), progress)
        if logits.shape != (1, 1, self._height, self._width) or not np.isfinite(logits).all():
            raise damaged(self._model, "what it gives is no mask")
        return np.asarray(1 / (1 + np.exp(-logits[0, 0].clip(-30, 30))), dtype=np.float32)

    def _run(self, pixels: NDArray[np.float32], progress: Progress) -> NDArray[np.float32]:
        options = onnxruntime.RunOptions()
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(self._session.run, [self._output], {self._input: pixels}, options)
            while True:
                try:
                    found = running.result(POLL_S)
                    return np.asarray(found[0], dtype=np.float32)
                except TimeoutError:
                    self._check(options, progress)
                except UNUSABLE as error:
                    if any(words in str(error) for words in NO_MEMORY):
                        raise OutOfMemory(
                            "The memory ran out while the subject was cut out. Choose the remover grabcut."
                        ) from error
                    raise damaged(self._model, "ONNX Runtime cannot run it") from error

    @staticmethod
    def _check(options: onnxruntime.RunOptions, progress: Progress) -> None:
        """Let the run end early where the user has stopped the work."""
        try:
            progress.check()
        except Cancelled:
            options.terminate = True
            raise


def _is_picture(kind: str, shape: list[int | str | None], channels: int) -> bool:
    """Whether a tensor is float32 ``[1, channels, height, width]``, where any length may be open but the channels'."""
    return (
        kind == FLOAT
        and len(shape) == 4
        and (shape[0] == 1 or not isinstance(shape[0], int))
        and (shape[1] == channels or not isinstance(shape[1], int))
    )
