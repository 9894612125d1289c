"""What a GPU fails at, in a sentence; torch has no kind of error for most of it."""

from __future__ import annotations

_KINDS = ("OutOfMemoryError", "AcceleratorError")  # of torch, the second from 2.8 on
_BEGINNINGS = (
    "CUDA error",
    "CUDA driver error",
    "CUDA out of memory",
    "cuDNN error",
    "CUDNN_",
    "CUBLAS_",
    "cuBLAS error",
    "NVRTC",
    "nvrtc: error",
    "No CUDA GPUs are available",
    "Found no NVIDIA driver",
    "Unexpected error from cuda",
)
_NO_MEMORY = ("out of memory", "STATUS_ALLOC_FAILED", "unable to find an engine to execute this")


def gpu_failure(error: BaseException) -> str | None:
    """Why a GPU failed, or "" where its memory was too small; None for all other errors."""
    if not isinstance(error, RuntimeError):
        return None
    text = str(error)
    of_gpu = type(error).__name__ in _KINDS or text.startswith(_BEGINNINGS)
    if not of_gpu and _NO_MEMORY[-1] not in text:
        return None
    if any(words in text for words in _NO_MEMORY):
        return ""
    first = text.partition("\n")[0]
    return f"the GPU failed ({first}); try again, or with evaluator.device=cpu"
