"""Pictures of models, drawn on the processor: thumbnails and turntables."""
