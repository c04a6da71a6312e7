"""Hunyuan3D-2.1 in plain PyTorch."""
