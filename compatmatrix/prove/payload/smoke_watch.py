"""Memory over time, for the report: a thread that looks now and then."""

import threading
import time

from smoke_device import MIB, resident

MOST = 240


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
            row[2:] = [round(cuda.memory_allocated() / MIB, 1), round(cuda.memory_reserved() / MIB, 1)]
        self.samples.append(row)
        if len(self.samples) > MOST:
            del self.samples[1::2]
            self._pause *= 2

    def end(self):
        self._over.set()
        self._thread.join()
        self.look()
