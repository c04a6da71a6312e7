"""BiRefNet, a learned remover of backgrounds, through ONNX Runtime."""
