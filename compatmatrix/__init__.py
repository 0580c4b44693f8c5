"""compatmatrix: which fastai, torch, torchvision, CUDA, driver and GPU work together, decided and proven."""

__version__ = "0.1.0"
