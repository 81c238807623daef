"""Small networks that run with ONNX Runtime."""
