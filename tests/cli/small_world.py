"""What is decided for one host, published on an index of this machine."""

from __future__ import annotations

from serve_index import Index, sdist, wheel

from .conftest import Ask

HOST = ("--platform", "linux-x86_64", "--python-version", "3.12", "--glibc", "2.36")
V100 = ("--gpu", "Tesla V100", "--driver", "580.65.06")


def publish(index: Index, ask: Ask) -> None:
    """What is decided for a V100, with PyPI's builds alone as well, and what tests ask for besides."""
    stack = ask("lock", "--core", "--json", *HOST, *V100, "--prefer", "newest").json["stack"]
    public = {name: version.partition("+")[0] for name, version in stack.items()}
    instead = ask("lock", "--core", "--json", *HOST, *V100, "--prefer", "newest", "--index", "pypi").json["stack"]
    for tree, found in (("whl/cu126", stack), ("simple", public), ("simple", instead)):
        tag = "py3-none-any" if tree == "simple" else "cp312-cp312-manylinux_2_28_x86_64"
        index.add(tree, wheel("torch", found["torch"], ["numpy"], tag=tag))
        index.add(tree, wheel("torchvision", found["torchvision"], ["torch"], tag=tag))
    index.add(
        "simple",
        wheel("fastai", stack["fastai"], ["torch", "torchvision", "fastcore"]),
        wheel("fastcore", "1.12.0"),
        wheel("numpy", "2.3.0"),
        wheel("timm", "1.0.0", ["torch"]),
        wheel("rich", "14.0.0"),
        sdist("onlysource", "1.0"),
    )
