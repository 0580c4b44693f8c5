"""A Kubernetes Job that runs the smoke on a cluster's GPU, in the image of the same lock."""

from __future__ import annotations

from compatmatrix.emit import container
from compatmatrix.emit.container import yaml
from compatmatrix.emit.format import Format
from compatmatrix.emit.header import comment
from compatmatrix.model.lock import Lock


def render(lock: Lock) -> str:
    """One pod, one try, no rights. GPUs come through NVIDIA's device plugin. The image has to be pushed first."""
    cuda = container.wants_gpu(lock.decision)
    command = container.smoke_command("cuda" if cuda else "cpu")
    tag = container.image_name(lock).partition(":")[2]
    lines = [
        *comment(lock.decision),
        "# push the image of the Dockerfile of the same lock, put its registry before the name, then:",
        "# kubectl apply -f job.yaml && kubectl logs --follow job/" + f"smoke-{tag}",
        "apiVersion: batch/v1",
        "kind: Job",
        "metadata:",
        f"  name: {yaml(f'smoke-{tag}')}",
        "  annotations:",
        *(f"    {key}: {yaml(value)}" for key, value in container.labels(lock).items()),
        "spec:",
        "  backoffLimit: 0",
        "  activeDeadlineSeconds: 3600",
        "  ttlSecondsAfterFinished: 86400",
        "  template:",
        "    spec:",
        "      restartPolicy: Never",
        "      automountServiceAccountToken: false",
        "      securityContext:",
        "        runAsNonRoot: true",
        "        runAsUser: 10001",
        "        seccompProfile:",
        "          type: RuntimeDefault",
        "      containers:",
        "        - name: smoke",
        f"          image: {yaml(container.image_name(lock))}",
        f"          command: [{', '.join(map(yaml, command))}]",
        "          securityContext:",
        "            allowPrivilegeEscalation: false",
        "            capabilities:",
        "              drop: [ALL]",
    ]
    if cuda:
        lines += ["          resources:", "            limits:", "              nvidia.com/gpu: 1"]
    lines += [
        "          volumeMounts:",
        "            - name: shared-memory",
        "              mountPath: /dev/shm",
        "      volumes:",
        "        - name: shared-memory",
        "          emptyDir:",
        "            medium: Memory",
        "            sizeLimit: 1Gi",
    ]
    return "\n".join(lines) + "\n"


FORMAT = Format("k8s-job", "job.yaml", render)
