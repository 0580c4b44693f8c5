"""Which build an index serves, by its address: the PyTorch index and its mirrors have one folder for each build."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

# Packages that the PyTorch index serves once for each build.
BUILT = frozenset({"torch", "torchvision", "torchaudio"})


_LINKS = r"/(?:torch_stable\.html|torch|torchvision|torchaudio)"
AFTER_THE_BUILD = rf"(?:/simple|{_LINKS})?/?(?:[?#][^\s\"']*)?"
"""What an address may have behind the build's folder, as a pattern: the last are pages of links."""

_OPTION = re.compile(
    r"(?:^|(?<=\s))(?:(?P<main>-i|--index-url|--default-index)|--extra-index-url|--index|(?P<links>-f|--find-links))"
    r"(?:\s*=\s*|\s+|(?<=\s-[if])|(?<=^-[if]))(?P<quote>[\"']?)(?P<url>[^\s\"']+)(?P=quote)(?=\s|$)"
)


class Asked(NamedTuple):
    """The addresses that an installer asks. main: in place of PyPI, empty for none. more: further indexes. links: pages
    of links (-f, --find-links)."""

    main: str = ""
    more: tuple[str, ...] = ()
    links: tuple[str, ...] = ()

    def and_then(self, other: Asked) -> Asked:
        """Both together; a main one that comes later replaces the one before it, as pip has it."""
        return Asked(other.main or self.main, (*self.more, *other.more), (*self.links, *other.links))

    @property
    def without_wheels(self) -> tuple[str, ...]:
        """Pages of links that are folders of the PyTorch index: they list projects and no files, so that pip finds
        nothing there. Mirrors that list the wheels themselves have no folder `whl` above those of the builds."""
        return tuple(url for url in self.links if re.search(r"/whl/[a-z]+[\d.]*/?$", url) and build_of(url))

    @property
    def build(self) -> tuple[str | None, bool]:
        """The build that these lead to, None where that is none or more than one; and whether nothing else is asked."""
        links = [url for url in self.links if url not in self.without_wheels]
        flavour = one_build([self.main, *self.more, *links])
        others = any(build_of(url) is None for url in (*self.more, *links))
        return flavour, bool(flavour) and build_of(self.main) == flavour and not others


def asked_in(line: str) -> Asked:
    """What the index options on a line of a requirements file name, in every spelling that pip reads."""
    found = list(_OPTION.finditer(line))
    mains = [match["url"] for match in found if match["main"]]
    more = tuple(match["url"] for match in found if not match["main"] and not match["links"])
    return Asked(mains[-1] if mains else "", more, tuple(match["url"] for match in found if match["links"]))


def asked_by_variables(variables: Mapping[str, str], *, uv: bool) -> Asked:
    """What pip's or uv's environment variables name; neither of them reads the other's."""
    if uv:
        main = variables.get("UV_DEFAULT_INDEX") or variables.get("UV_INDEX_URL") or ""
        more, links = f"{variables.get('UV_INDEX', '')} {variables.get('UV_EXTRA_INDEX_URL', '')}", "UV_FIND_LINKS"
    else:
        main, more, links = (
            variables.get("PIP_INDEX_URL", ""),
            variables.get("PIP_EXTRA_INDEX_URL", ""),
            "PIP_FIND_LINKS",
        )
    return Asked(main, tuple(more.split()), tuple(variables.get(links, "").replace(",", " ").split()))


def build_of(url: str) -> str | None:
    """The build tag at the end of an index's address ("cu126", "cpu", "rocm6.2"), None where there is none."""
    match = re.search(rf"/(cu\d{{2,4}}|cpu|rocm\d+(?:\.\d+)*|xpu){AFTER_THE_BUILD}$", url)
    return match[1] if match else None


def one_build(urls: Iterable[str]) -> str | None:
    """The build of several indexes that are all asked; None where none or more than one is named."""
    found = {build for url in urls if (build := build_of(url))}
    return found.pop() if len(found) == 1 else None
