"""What an error points to: the finding code of the likely cause, from the words of the error or from its place."""

import re
import traceback

from smoke_core import Wrong

# (finding code, what the error says); the first that matches is the likely cause.
CAUSES = (
    (
        "numpy-abi",
        r"numpy is not available|_array_api not found|numpy\.core\.multiarray failed to import|compiled using numpy 1"
        r"|numpy\.dtype size changed|module compiled against a(b|p)i version",
    ),
    (
        "torchvision-mismatch",
        r"operator torchvision::|could not run 'torchvision::|couldn't load custom c\+\+ ops"
        r"|module 'torchvision' has no attribute 'extension'|cannot import name .* from '(partially .* )?torchvision",
    ),
    (
        "arch-missing",
        r"no kernel image is available|cudnn_status_\w*arch_mismatch|not compatible with the current pytorch"
        r"|compiled architectures",
    ),
    (
        "driver-too-old",
        r"driver on your system is too old|driver version is insufficient|unsupported toolchain"
        r"|forward compatibility was attempted|unsupported display driver / cuda driver combination",
    ),
    ("cpu-build-on-gpu", r"torch not compiled with cuda enabled"),
    (
        "cuda-libs-conflict",
        r"lib(cudnn|cublas|cudart|cufft|curand|cusparse|cusolver|cupti|nccl|nvjitlink|nvrtc)\w*\.so"
        r"|cudnn version incompat|undefined symbol: _*(nvjitlink|cublas|cudnn|cusparse|nccl|cuda)",
    ),
    ("known-bad", r"undefined symbol: ijit_notifyevent|no module named '(pkg_resources|imp|distutils)\b"),
    ("pillow", r"module 'pil(\.\w+)?' has no attribute|from 'pil\b|_imaging"),
    (
        "fastai-mismatch",
        r"weights only load failed|weights_only|unsupported global"
        r"|from '(fastai|fastcore|fastprogress|fasttransform|plum)\b"
        r"|no module named '(fastcore|fastprogress|fasttransform|plum|fastdownload)\b",
    ),
)
# Where an API error comes from says who does not fit, if its words do not.
PLACES = (
    ("fastai-mismatch", ("fastai", "fastcore", "fastprogress", "fasttransform", "fastdownload", "plum")),
    ("pillow", ("PIL",)),
    ("known-bad", ("pandas", "spacy", "thinc", "sklearn", "scipy", "matplotlib")),
)
API_ERRORS = (ImportError, AttributeError, TypeError, NameError)


def said_cause(text):
    """The finding code that the words of a message point to, or None."""
    for code, pattern in CAUSES:
        if re.search(pattern, text.lower()):
            return code
    return None


def cause_of(error, text):
    """The finding code that an error points to, by its words or else by where it comes from."""
    code = said_cause(text)
    if code:
        return code
    frames = traceback.extract_tb(error.__traceback__)
    if frames and isinstance(error, API_ERRORS):
        parts = frames[-1].filename.replace("\\", "/").split("/")
        for code, folders in PLACES:
            if any(folder in parts for folder in folders):
                return code
    return "other"


def told(error):
    """An error as one line (type: message), and everything that it and what led to it say."""
    said = [line.strip() for line in str(error).splitlines() if line.strip()]
    # Some libraries put what happened on the line after where it happened.
    first = " ".join(said[:2] if said and said[0].endswith(":") else said[:1])[:400]
    line = first if isinstance(error, Wrong) else type(error).__name__ + (": " + first if first else "")
    chain, texts = error, []
    while chain is not None and len(texts) < 8:
        texts.append("%s: %s" % (type(chain).__name__, chain))
        chain = chain.__cause__ or chain.__context__
    doing = getattr(error, "while_doing", "")
    return (doing + ": " if doing else "") + line, "\n".join(texts)
