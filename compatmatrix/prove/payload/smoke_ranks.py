"""One of the processes that torchrun starts for the probe `distributed`. Only the standard library at import time.

argv: {"answer": start of the file that is written for each rank, "backend", "seed", "fault": null, "apart" or "hang",
"limit": seconds until the starter gives up; a little earlier the stacks are printed}.
Trains the same small net in every process by DistributedDataParallel, and by fastai's distrib_ctx where its
requirement `accelerate` is installed.
"""

import faulthandler
import json
import os
import sys
import threading
import time


def die_with(parent):
    """End this process when its starter is gone: a starter that was killed could not end it."""

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def by_hand(torch, rank, world, place, asked):
    """Train by DistributedDataParallel on this rank's share; the items seen, first and last loss, and the net."""
    nn = torch.nn
    torch.manual_seed(asked["seed"])
    net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2)).to(place)
    inputs = torch.randn(64, 8)
    labels = (inputs.sum(dim=1) > 0).long()
    data = torch.utils.data.TensorDataset(inputs, labels, torch.arange(64))
    sampler = torch.utils.data.distributed.DistributedSampler(data, num_replicas=world, rank=rank, shuffle=False)
    loader = torch.utils.data.DataLoader(data, batch_size=8, sampler=sampler)
    together = net if asked["fault"] == "apart" else nn.parallel.DistributedDataParallel(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.2)
    seen, losses = set(), []
    for _ in range(6):
        for some, wanted, index in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(together(some.to(place)), wanted.to(place))
            loss.backward()
            optimizer.step()
            seen.update(index.tolist())
            losses.append(float(loss))
    return sorted(seen), losses[0], losses[-1], net


def by_fastai(torch, rank, world, place, asked):
    """Train a Learner within distrib_ctx; in words what came of it."""
    try:
        import accelerate
    except ImportError:
        return "distrib_ctx not tried: accelerate is not installed"
    from fastai import distributed as fd
    from fastai.basics import CrossEntropyLossFlat, DataLoader, DataLoaders, Learner

    moved = ""
    if place.type == "cpu":
        # fastai hands out the indexes by a tensor on the GPU, whatever the backend is.
        def broadcast(self, values, source):
            tensor = torch.LongTensor(values)
            torch.distributed.broadcast(tensor, source)
            return tensor.tolist()

        fd.DistributedDL._broadcast = broadcast
        moved = " (its broadcast moved to the CPU)"
    torch.manual_seed(asked["seed"])
    inputs = torch.randn(64, 8)
    items = [(row, label) for row, label in zip(inputs, (inputs.sum(dim=1) > 0).long())]
    dls = DataLoaders(DataLoader(items, bs=8, shuffle=True), DataLoader(items, bs=8), device=place)
    net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
    learn = Learner(dls, net, loss_func=CrossEntropyLossFlat())
    options = {} if place.type == "cuda" else {"cpu": True}
    with learn.no_bar(), learn.no_logging(), learn.distrib_ctx(sync_bn=False, **options):
        learn.fit(2, 0.05)
    total = sum(float(parameter.detach().sum()) for parameter in learn.model.parameters())
    sums = [torch.zeros(1, device=place) for _ in range(world)]
    torch.distributed.all_gather(sums, torch.tensor([total], device=place))
    apart = max(float(abs(one - sums[0])) for one in sums)
    if apart > 1e-4:
        raise RuntimeError("distrib_ctx leaves weights %.3g apart" % apart)
    return "distrib_ctx as well%s, accelerate %s" % (moved, accelerate.__version__)


def main(asked):
    """Train, compare, write the answer of this rank."""
    die_with(os.getppid())
    faulthandler.dump_traceback_later(asked["limit"] - 5, file=sys.__stderr__)
    import torch

    torch.set_num_threads(1)
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    place = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if asked["backend"] == "nccl" else torch.device("cpu")
    if place.type == "cuda":
        torch.cuda.set_device(place)
    torch.distributed.init_process_group(asked["backend"])
    while asked["fault"] == "hang":
        time.sleep(60)
    total = torch.tensor([rank + 1.0], device=place)
    torch.distributed.all_reduce(total)
    seen, first, last, net = by_hand(torch, rank, world, place, asked)
    answer = {"rank": rank, "sum": float(total), "seen": seen, "first": first, "last": last}
    answer["weights"] = [float(value) for parameter in net.parameters() for value in parameter.detach().cpu().flatten()]
    answer["fastai"] = by_fastai(torch, rank, world, place, asked)
    torch.distributed.barrier()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    with open("%s%d.json" % (asked["answer"], rank), "w") as stream:
        json.dump(answer, stream)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
