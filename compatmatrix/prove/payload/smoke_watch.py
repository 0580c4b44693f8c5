"""What is watched beside the probes: memory over time, warnings, and worker processes that do not come back."""

import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings

from smoke_device import MIB, resident

MOST = 240
MOST_WARNINGS = 8
# These tell what a later release will do, and the versions here stay.
OF_LATER = (DeprecationWarning, FutureWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
EARLIER = 1.0  # seconds from the stacks of the workers to those of this process


class Watch:
    """Samples (seconds, MiB resident, MiB allocated, MiB reserved or null); thinned out when there are many."""

    def __init__(self, run, started):
        self.run, self.started = run, started
        self.samples = []
        self._pause = 0.1
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self._thread.start()

    def _watch(self):
        while not self._over.wait(self._pause):
            self.look()

    def look(self):
        held = resident()
        row = [round(time.time() - self.started, 2), None if held is None else round(held / MIB, 1), None, None]
        if self.run.on_gpu:
            cuda = self.run.torch.cuda
            try:
                row[2:] = [round(cuda.memory_allocated() / MIB, 1), round(cuda.memory_reserved() / MIB, 1)]
            except (RuntimeError, KeyError):  # a GPU that no longer answers; an old torch before its first kernel
                pass
        self.samples.append(row)
        if len(self.samples) > MOST:
            del self.samples[1::2]
            self._pause *= 2

    def end(self):
        self._over.set()
        self._thread.join()
        self.look()


class Heard:
    """Warnings that a user would see, but for those of later releases, gathered for each probe and printed as ever."""

    def __init__(self, run):
        self.texts = []
        # No path of this machine belongs into a record.
        self._hidden = [path for path in (run.work_dir, sys.prefix, os.path.expanduser("~")) if len(path) > 1]
        self._shown = warnings.showwarning
        warnings.showwarning = self._hear

    def _hear(self, message, category, filename, lineno, file=None, line=None):
        if not issubclass(category, OF_LATER):
            self._keep(category.__name__, str(message).strip().split("\n")[0])
        self._shown(message, category, filename, lineno, file, line)

    def _keep(self, kind, message):
        said = "%s: %s" % (kind, " ".join(message.split()))
        for path in self._hidden:
            said = said.replace(path, "...")
        said = said if len(said) <= 200 else said[:197] + "..."
        if said not in self.texts and len(self.texts) < MOST_WARNINGS:
            self.texts.append(said)

    def take(self):
        """The warnings since the last time. What was shown once may be shown again from here on."""
        texts, self.texts = self.texts, []
        # Any change of the filters makes Python forget what it has shown.
        warnings.simplefilter("default", category=Unused, append=True)
        return texts


class Unused(Warning):
    """No warning is of this kind."""


def tell_workers_stacks(seconds):
    """After so many seconds, let worker processes print their stacks: the stacks of this one end at their queue."""
    if not hasattr(faulthandler, "register"):
        return
    # Workers inherit it, whether forked or started anew by importing the script.
    faulthandler.register(signal.SIGUSR1, file=sys.__stderr__, all_threads=False)
    if seconds is None:
        return

    def tell():
        for child in multiprocessing.active_children():
            print("stack of the worker process %s:" % child.name, file=sys.__stderr__, flush=True)
            try:
                os.kill(child.pid, signal.SIGUSR1)
            except OSError:
                continue
            time.sleep(0.2)

    timer = threading.Timer(max(0.1, seconds), tell)
    timer.daemon = True
    timer.start()
