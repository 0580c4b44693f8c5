"""compose.yaml: build the Dockerfile beside it and run the smoke on the GPU."""

from __future__ import annotations

from compatmatrix.emit import container
from compatmatrix.emit.container import yaml
from compatmatrix.emit.format import Format
from compatmatrix.emit.header import comment
from compatmatrix.model.lock import Lock


def render(lock: Lock) -> str:
    """One service that trains once and ends with the smoke run's status. It needs the Dockerfile of the same lock."""
    cuda = container.wants_gpu(lock.decision)
    command = container.smoke_command("cuda" if cuda else "cpu")
    lines = [
        *comment(lock.decision),
        "# beside the Dockerfile of the same lock: docker compose run --build --rm smoke",
        "services:",
        "  smoke:",
        f"    image: {yaml(container.image_name(lock))}",
        "    build:",
        "      context: .",
        "      dockerfile: Dockerfile",
        f"    command: [{', '.join(map(yaml, command))}]",
        "    labels:",
        *(f"      {key}: {yaml(value)}" for key, value in container.labels(lock).items()),
        "    init: true",
        "    read_only: true",
        "    tmpfs: [/tmp]",
        "    cap_drop: [ALL]",
        "    security_opt: [no-new-privileges:true]",
        "    shm_size: 1gb",
    ]
    if cuda:
        lines += [
            "    deploy:",
            "      resources:",
            "        reservations:",
            "          devices:",
            "            - driver: nvidia",
            "              count: all",
            "              capabilities: [gpu]",
        ]
    return "\n".join(lines) + "\n"


FORMAT = Format("compose", "compose.yaml", render)
