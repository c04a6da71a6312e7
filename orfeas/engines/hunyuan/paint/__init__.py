"""Hunyuan3D-2.1's texture in plain PyTorch: pictures of a mesh's surface from several sides, from one picture."""
