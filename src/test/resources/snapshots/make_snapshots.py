#!/usr/bin/env python3
"""Makes the memory snapshots the tests read, without torch and without a GPU.

A small caching allocator, written from PyTorch's description apart from the Java one (plain lists, linear search), runs programs and
records what torch.cuda.memory._snapshot() would hold: segments, blocks, events with addresses, settings, frames; in the forms of
PyTorch 1.13 to 2.11 and pickle protocols 2 to 5. Nothing in these files was recorded on a GPU.

    python3 make_snapshots.py DIR              # the small fixtures
    python3 make_snapshots.py --large 100 FILE # one file of about so many MB, for the benchmark
"""
import pickle, random, sys

MIB = 1 << 20


class Block:
    __slots__ = ("addr", "size", "requested", "stream", "small", "prev", "next", "used", "pending", "mapped", "expandable", "frames", "born", "shared")

    def __init__(self, addr, size, stream, small):
        self.addr, self.size, self.stream, self.small = addr, size, stream, small
        self.requested, self.prev, self.next, self.used, self.pending, self.mapped, self.expandable = 0, None, None, False, False, True, False
        self.frames, self.born, self.shared = None, 0, False

    def split(self):
        return self.prev is not None or self.next is not None


class Device:
    def __init__(self, conf="", capacity=1 << 60, seed=1, fraction=None, stacks=True):
        self.conf, self.capacity, self.rng = conf, capacity, random.Random(seed)
        opts = dict(p.split(":") for p in conf.split(",") if p)
        self.expandable = opts.get("expandable_segments") == "True"
        self.max_split = int(opts["max_split_size_mb"]) * MIB if "max_split_size_mb" in opts else 1 << 62
        self.divisions = int(opts.get("roundup_power2_divisions", 0))
        self.gc = float(opts.get("garbage_collection_threshold", 0))
        self.fraction = fraction if fraction is not None else float(opts.get("per_process_memory_fraction", 1))
        self.blocks, self.events, self.time, self.calls = [], [], 1_700_000_000_000_000, 0
        self.reserved, self.recording, self.stacks = 0, True, stacks
        self.retries, self.peak = 0, 0
        self.live = {}
        self.next_va = 0x7F0000000000
        self.frame_pool = [dict(name=f"layer{i}", filename=f"/home/user/model/net{i % 7}.py", line=10 + i) for i in range(40)]
        self.torch_frames = [dict(name=n, filename="/usr/lib/python3.11/site-packages/torch/nn/modules/module.py", line=1500 + i) for i, n in enumerate(("_call_impl", "_wrapped_call_impl"))]

    # recording
    def log(self, action, addr, size, stream, frames=None):
        self.time += self.rng.randint(1, 400)
        if self.recording:
            self.events.append(dict(action=action, addr=addr, size=size, stream=stream, frames=frames or [], time_us=self.time))

    def stack(self, site):
        if not self.stacks:
            return []
        return [*self.torch_frames, self.frame_pool[site % 40], self.frame_pool[(site * 7 + 3) % 40], dict(name="<module>", filename="/home/user/train.py", line=88)]

    # the driver
    def address(self, size):
        # as a driver would: scattered, 2 MiB aligned, never overlapping
        while True:
            addr = 0x7F0000000000 + self.rng.randrange(1 << 16) * 2 * MIB
            if all(addr + size <= b.addr or b.addr + b.size <= addr for b in self.blocks):
                return addr

    def cuda_malloc(self, size):
        return self.address(size) if self.reserved + size <= self.capacity else None

    # the allocator
    def round(self, n):
        if n < 512:
            return 512
        if self.divisions > 1 and n > 512 * self.divisions:
            floor = 1 << (n.bit_length() - 1)
            step = floor // self.divisions
            return n if n == floor else (n + step - 1) // step * step
        return (n + 511) // 512 * 512

    def malloc(self, requested, stream=0, site=0):
        frames = self.stack(site)
        size = self.round(requested)
        small = size <= MIB
        seg = 2 * MIB if small else 20 * MIB if size < 10 * MIB else (size + 2 * MIB - 1) // (2 * MIB) * 2 * MIB
        b = self.find(size, stream, small)
        if b is None:
            allowed = int(self.fraction * self.capacity) if self.fraction < 1 else None
            if allowed and self.gc:
                self.collect(allowed, frames)
            b = self.new(size, seg, stream, small, allowed, frames)
            if b is None and self.max_split < 1 << 62 and self.release_available(size, stream, small, frames):
                b = self.new(size, seg, stream, small, allowed, frames)
            if b is None:
                self.empty_cache(frames)
                self.retries += 1
                b = self.new(size, seg, stream, small, allowed, frames)
            if b is None:
                self.log("oom", self.capacity - self.reserved, size, stream, frames)
                return None
        rest = b.size - size
        if rest >= 512 if (small or self.expandable) else (size < self.max_split and rest > MIB):
            tail = Block(b.addr + size, rest, b.stream, b.small)
            tail.expandable, tail.prev, tail.next, tail.born = b.expandable, b, b.next, self.calls_of(small)
            if b.next:
                b.next.prev = tail
            b.next, b.size = tail, size
            self.blocks.append(tail)
        b.used, b.requested, b.frames, b.shared = True, requested, frames, False
        self.log("alloc", b.addr, requested, stream, frames)
        self.live[b.addr] = b
        self.peak = max(self.peak, self.reserved)
        return b

    searches = None

    def calls_of(self, small):
        return (self.searches or {}).get(small, 0)

    def find(self, size, stream, small):
        self.searches = self.searches or {}
        self.searches[small] = self.searches.get(small, 0) + 1
        free = sorted((b for b in self.blocks if self.is_free(b) and b.mapped and b.stream == stream and b.small == small and b.size >= size), key=lambda b: (b.size, b.addr))
        if not free:
            return None
        i = 0
        if free[0].expandable:
            grown = lambda b: b.size + (b.next.size if b.next is not None and not b.next.mapped else 0)
            while i + 1 < len(free) and grown(free[i + 1]) < grown(free[i]):
                i += 1
        b = free[i]
        if size < self.max_split <= b.size or (size >= self.max_split and b.size >= size + 20 * MIB):
            return None
        return b

    @staticmethod
    def is_free(b):
        return not b.used and not b.pending

    def new(self, size, seg, stream, small, allowed, frames):
        if allowed and self.reserved + seg > allowed:
            return None
        if self.expandable:
            return self.grow(size, stream, small, frames)
        addr = self.cuda_malloc(seg)
        if addr is None:
            return None
        b = Block(addr, seg, stream, small)
        b.frames = frames
        self.blocks.append(b)
        self.reserved += seg
        self.log("segment_alloc", addr, seg, stream, frames)
        return b

    def grow(self, size, stream, small, frames):
        page = 2 * MIB if small else 20 * MIB
        for u in sorted((b for b in self.blocks if not b.mapped and b.stream == stream and b.small == small), key=lambda b: b.addr):
            start = u.prev if u.prev is not None and self.is_free(u.prev) else u
            room, b = 0, start
            while b is not None and room < size and self.is_free(b):
                room, b = room + b.size, b.next
            if room >= size:
                break
        else:
            va = (self.capacity if self.capacity < 1 << 44 else 1 << 40) * 9 // 8
            va = (max(va, size) + page - 1) // page * page
            start = Block(self.next_va, va, stream, small)
            self.next_va += va + (1 << 32)
            start.mapped, start.expandable = False, True
            self.blocks.append(start)
        if not start.mapped:
            start = self.map(start, min(start.size, size), page, frames)
        while start is not None and start.size < size:
            start = self.map(start.next, min(size - start.size, start.next.size), page, frames)
        return start

    def map(self, b, want, page, frames):
        n = min((want + page - 1) // page * page, b.size)
        if self.reserved + n > self.capacity:
            return None
        self.log("segment_map", b.addr, n, b.stream, frames)
        self.reserved += n
        if n < b.size:
            tail = Block(b.addr + n, b.size - n, b.stream, b.small)
            tail.mapped, tail.expandable, tail.prev, tail.next = False, True, b, b.next
            if b.next:
                b.next.prev = tail
            b.next, b.size = tail, n
            self.blocks.append(tail)
        b.mapped = True
        return self.merge(b)

    def merge(self, b):
        for other in (b.prev, b.next):
            if other is not None and self.is_free(other) and other.mapped == b.mapped:
                self.blocks.remove(other)
                if other is b.prev:
                    b.addr, b.prev = other.addr, other.prev
                    if b.prev:
                        b.prev.next = b
                else:
                    b.next = other.next
                    if b.next:
                        b.next.prev = b
                b.size += other.size
        b.born = self.calls_of(b.small)
        return b

    def free(self, b, later=False):
        self.log("free_requested", b.addr, b.requested, b.stream, b.frames)
        b.used, b.pending = False, True
        if not later:
            self.complete(b)

    def complete(self, b):
        self.log("free_completed", b.addr, b.requested, b.stream, b.frames)
        self.live.pop(b.addr, None)
        b.pending = False
        self.merge(b)

    def release(self, b, frames):
        self.blocks.remove(b)
        self.reserved -= b.size
        self.log("segment_free", b.addr, b.size, b.stream, frames)

    def empty_cache(self, frames=None):
        for b in [b for b in self.blocks if b.pending]:
            self.complete(b)
        for small in (False, True):
            for b in sorted((b for b in self.blocks if self.is_free(b) and b.mapped and b.small == small), key=lambda b: (b.stream, b.size, b.addr)):
                if b.expandable:
                    self.unmap(b, frames)
                elif not b.split():
                    self.release(b, frames)

    def unmap(self, b, frames):
        page = 2 * MIB if b.small else 20 * MIB
        first = b
        while first.prev:
            first = first.prev
        start = first.addr + (b.addr - first.addr + page - 1) // page * page
        end = first.addr + (b.addr + b.size - first.addr) // page * page
        if end <= start:
            return
        for addr, size, before in ((b.addr, start - b.addr, True), (end, b.addr + b.size - end, False)):
            if size:
                rest = Block(addr, size, b.stream, b.small)
                rest.expandable = True
                if before:
                    rest.prev, rest.next = b.prev, b
                    if b.prev:
                        b.prev.next = rest
                    b.prev = rest
                else:
                    rest.prev, rest.next = b, b.next
                    if b.next:
                        b.next.prev = rest
                    b.next = rest
                self.blocks.append(rest)
        b.addr, b.size, b.mapped = start, end - start, False
        self.reserved -= b.size
        self.log("segment_unmap", b.addr, b.size, b.stream, frames)
        self.merge(b)
        if not b.split():
            self.blocks.remove(b)

    def release_available(self, size, stream, small, frames):
        want = max(size, self.max_split)
        mine = sorted((b for b in self.blocks if self.is_free(b) and b.mapped and b.stream == stream and b.small == small), key=lambda b: (b.size, b.addr))
        for b in mine:
            if b.size >= want:
                self.release(b, frames)
                return True
        total = 0
        for b in reversed(mine):
            if total >= want or b.size < self.max_split:
                break
            total += b.size
            self.release(b, frames)
        return total >= want

    def collect(self, allowed, frames):
        target = self.reserved - int(self.gc * allowed)
        if target <= 0:
            return
        now = self.calls_of(False)
        mine = sorted((b for b in self.blocks if self.is_free(b) and not b.small and not b.split() and not b.expandable), key=lambda b: (b.stream, b.size, b.addr))
        ages, freed = sum(now - b.born for b in mine), True
        while target > 0 and freed and mine:
            mean, freed = ages / len(mine), False
            for b in list(mine):
                if now - b.born >= mean:
                    freed, target, ages = True, target - b.size, ages - (now - b.born)
                    mine.remove(b)
                    self.release(b, frames)

    # the snapshot
    def segments(self, device, form):
        out = []
        for head in sorted((b for b in self.blocks if b.prev is None), key=lambda b: b.addr):
            run, b = [], head
            while b is not None:
                if b.mapped:
                    run.append(b)
                if run and (not b.mapped or b.next is None):
                    out.append(self.segment(device, run, form))
                    run = []
                b = b.next
        return out

    def segment(self, device, run, form):
        blocks = []
        for b in run:
            state = "active_allocated" if b.used else "active_pending_free" if b.pending else "inactive"
            d = dict(size=b.size, state=state)
            if form >= (2, 1):
                d = dict(address=b.addr, size=b.size, requested_size=b.requested, state=state, frames=b.frames or [])
            elif b.requested:
                d["history"] = [dict(addr=b.addr, real_size=b.requested, frames=b.frames or [])]
            blocks.append(d)
        s = dict(device=device, address=run[0].addr, total_size=sum(b.size for b in run),
                 allocated_size=sum(b.size for b in run if b.used), active_size=sum(b.size for b in run if b.used or b.pending),
                 stream=run[0].stream, segment_type="small" if run[0].small else "large", blocks=blocks)
        if form >= (2, 0):
            s.update(requested_size=sum(b.requested for b in run if b.used), segment_pool_id=(0, 0))
        if form >= (2, 1):
            s.update(is_expandable=run[0].expandable, frames=[])
        return s


def snapshot(devices, form=(2, 7), last=None):
    traces = []
    for d in devices:
        events = d.events[-last:] if last else d.events
        trace = []
        for e in events:
            t = dict(e)
            if t["action"] == "oom":
                t = dict(action="oom", device_free=t["addr"], **{k: v for k, v in t.items() if k not in ("action", "addr")})
            if form < (2, 2):
                t.pop("time_us")
            if form >= (2, 8):
                t["compile_context"] = "N/A"
            if form >= (2, 10):
                t["user_metadata"] = ""
            trace.append(t)
        traces.append(trace)
    s = dict(segments=[seg for i, d in enumerate(devices) for seg in d.segments(i, form)], device_traces=traces)
    if form >= (2, 3):
        d = devices[0]
        s["allocator_settings"] = dict(
            PYTORCH_CUDA_ALLOC_CONF=d.conf, max_split_size=d.max_split if d.max_split < 1 << 62 else -1, garbage_collection_threshold=d.gc,
            expandable_segments=d.expandable, pinned_num_register_threads=1, release_lock_on_cudamalloc=False,
            pinned_use_cuda_host_register=False, roundup_power2_divisions={str(1 << i): 0 for i in range(16)})
    if form >= (2, 5):
        s["external_annotations"] = []
    return s


def training(d, steps, seed, layers=6, unit=4096, low=400, high=6000, clear=0, weights=True):
    """Steps of changing size, as case 3: activations up, gradients down, a few things that stay."""
    rng = random.Random(seed)
    kept = [d.malloc(rng.randint(1, 3) * 700_000, site=90 + i) for i in range(layers)] if weights else []
    for step in range(steps):
        n = rng.randint(low, high)
        acts = []
        for layer in range(layers):
            a = d.malloc(n * unit, site=layer)
            t = d.malloc(n * rng.randint(40, 400), site=layer + 10)
            if a is None or t is None:
                return False
            acts.append(a)
            d.free(t)
        for layer in reversed(range(layers)):
            g = d.malloc(n * unit // 2 + 1, site=layer + 20)
            if g is None:
                return False
            d.free(acts.pop())
            d.free(g)
        if step % 3 == 0:
            keep = d.malloc(rng.randint(300, 3_000_000), site=50)
            if keep is None:
                return False
            kept.append(keep)
        if len(kept) > layers + 4:
            d.free(kept.pop(rng.randrange(layers, len(kept))))
        if clear and step % clear == clear - 1:
            d.empty_cache()
    return True


def dump(value, path, protocol):
    with open(path, "wb") as f:
        pickle.dump(value, f, protocol=protocol)


def fixtures(out):
    d = Device(); training(d, 12, 1); dump(snapshot([d]), f"{out}/plain-2.7-p4.pickle", 4)
    d = Device(); training(d, 6, 1); dump(snapshot([d], (1, 13)), f"{out}/plain-1.13-p2.pickle", 2)
    d = Device(); training(d, 6, 1); dump(snapshot([d], (2, 0)), f"{out}/plain-2.0-p3.pickle", 3)
    d = Device(); training(d, 6, 1); dump(snapshot([d], (2, 11)), f"{out}/plain-2.11-p5.pickle", 5)
    d = Device(); training(d, 6, 1); dump(d.segments(0, (1, 13)), f"{out}/segments-only-p4.pickle", 4)
    d = Device(capacity=170 * MIB); ok = training(d, 40, 3); assert not ok; dump(snapshot([d]), f"{out}/oom-2.7-p4.pickle", 4)
    d = Device(capacity=190 * MIB, stacks=False); ok = training(d, 12, 6); assert ok and d.retries > 0, d.retries; dump(snapshot([d]), f"{out}/retries-2.7-p4.pickle", 4)
    d = Device("expandable_segments:True", capacity=1 << 30, stacks=False); ok = training(d, 14, 3, clear=5); assert ok; dump(snapshot([d]), f"{out}/expandable-2.7-p4.pickle", 4)
    d = Device("max_split_size_mb:21", capacity=240 * MIB, stacks=False); training(d, 14, 5, high=9000); dump(snapshot([d]), f"{out}/max-split-2.7-p4.pickle", 4)
    d = Device("garbage_collection_threshold:0.5,per_process_memory_fraction:0.9", capacity=200 * MIB, stacks=False); training(d, 14, 6); dump(snapshot([d], (2, 10)), f"{out}/gc-2.10-p4.pickle", 4)
    d = Device(stacks=False); training(d, 12, 7, clear=4); dump(snapshot([d]), f"{out}/empty-cache-2.7-p4.pickle", 4)
    d = Device(); training(d, 14, 8); dump(snapshot([d], last=150), f"{out}/ring-buffer-2.7-p4.pickle", 4)
    d = Device(capacity=400 * MIB, fraction=0.425); ok = training(d, 40, 3); assert not ok; dump(snapshot([d]), f"{out}/capped-2.7-p4.pickle", 4)
    d = Device("expandable_segments:True", capacity=195 * MIB, stacks=False); d.malloc(160 * MIB); assert d.malloc(30 * MIB) is None; dump(snapshot([d]), f"{out}/full-pages-2.7-p4.pickle", 4)
    d = Device("expandable_segments:True", capacity=158 * MIB, stacks=False); ok = training(d, 40, 3); assert not ok; dump(snapshot([d]), f"{out}/oom-expandable-2.7-p4.pickle", 4)
    d = Device(capacity=2100 * MIB, stacks=False); lost_beginning(d); dump(snapshot([d]), f"{out}/lost-beginning-2.7-p4.pickle", 4)
    a, b = Device(stacks=False), Device(stacks=False, capacity=170 * MIB); training(a, 14, 1); assert not training(b, 40, 3); assert len(a.events) > len(b.events); dump(snapshot([a, b]), f"{out}/second-device-2.7-p4.pickle", 4)
    d = Device(stacks=False); side_stream(d); dump(snapshot([d]), f"{out}/side-stream-2.7-p4.pickle", 4)
    d = Device("expandable_segments:True", capacity=1 << 30, stacks=False); pages(d); dump(snapshot([d]), f"{out}/unmapped-2.7-p4.pickle", 4)
    d = Device(stacks=False); streams(d); dump(snapshot([d]), f"{out}/streams-2.7-p4.pickle", 4)
    a, b = Device(seed=1, stacks=False), Device(seed=2, stacks=False); training(a, 3, 1); training(b, 4, 2); dump(snapshot([a, b]), f"{out}/two-devices-2.7-p4.pickle", 4)


def streams(d):
    side = 0x55D0C0DE0010
    kept = []
    for step in range(20):
        a = d.malloc(3_000_000 + step * 5000)
        b = d.malloc(3_000_000 + step * 5000, stream=side)
        c = d.malloc(900 + step)
        d.free(b, later=True)
        e = d.malloc(2_500_000, stream=side)
        d.complete(b)
        d.free(a); d.free(c, later=step % 2 == 0)
        d.free(e)
        kept.append(d.malloc(100_000 * step + 1, stream=side if step % 3 else 0))


def same_program(out):
    """One program run under several settings and limits: one of the runs is recorded, of the others what became of them."""
    confs = ["", "expandable_segments:True", "max_split_size_mb:21", "max_split_size_mb:32", "roundup_power2_divisions:4",
             "garbage_collection_threshold:0.6,per_process_memory_fraction:0.9"]
    programs = dict(steps=lambda d: training(d, 14, 3), wide=lambda d: training(d, 12, 5, high=9000),
                    steady=lambda d: training(d, 10, 6, layers=4, low=5000), two=lambda d: two_streams(d))
    rows = ["snapshot,settings,limit in MiB,survives,peak reserved,retries"]
    for name, program in programs.items():
        for recorded in ("", "expandable_segments:True"):
            d = Device(recorded, capacity=4 << 30, stacks=False)
            assert program(d)
            if not recorded:
                need = d.peak // MIB
            file = f"same-{name}{'-expandable' if recorded else ''}-2.7-p4"
            dump(snapshot([d]), f"{out}/{file}.pickle", 4)
            for conf in confs:
                for percent in (200, 100, 90, *range(38, 83, 3)):
                    limit = need * percent // 100 // 2 * 2
                    e = Device(conf, capacity=limit * MIB, stacks=False, seed=9)
                    ok = program(e)
                    rows.append(f'{file},"{conf}",{limit},{int(ok)},{e.peak},{e.retries}')
    with open(f"{out}/same-program.csv", "w") as f:
        f.write("\n".join(rows) + "\n")


def two_streams(d):
    rng, kept = random.Random(12), []
    for step in range(24):
        size = rng.randint(1_000_000, 14_000_000)
        a, b = d.malloc(size), d.malloc(size * 2 // 3, stream=0x55D0C0DE0010)
        c = d.malloc(rng.randint(500, 900_000))
        if a is None or b is None or c is None:
            return False
        d.free(a); d.free(c)
        if step % 4 == 0:
            kept.append(b)
        else:
            d.free(b)
        if len(kept) > 3:
            d.free(kept.pop(0))
    return True


def side_stream(d):
    """What another stream cached before the recording began serves nobody else."""
    for size in (3_000_000, 30_000_000, 700):
        d.free(d.malloc(size, stream=0x55D0C0DE0010))
    d.events.clear()
    for size in (2_500_000, 25_000_000, 600):
        d.malloc(size)


def lost_beginning(d):
    """Twenty holes of 40 MiB, made before the recording began; in it 400 MiB are refused with 300 free."""
    for _ in range(20):
        d.free(d.malloc(90 * MIB)); d.malloc(50 * MIB)
    for _ in range(5):
        d.free(d.malloc(700))
    d.events.clear()
    for _ in range(5):
        d.free(d.malloc(900))
    assert d.malloc(400 * MIB) is None


def pages(d):
    """Twenty small pages in use before the recording, unmapped within it: as many bytes as two large pages."""
    small = [d.malloc(MIB) for _ in range(40)]
    d.events.clear()
    for b in small[::2]:
        d.free(b)
    again = [d.malloc(600_000 + i) for i in range(10)]
    for b in [*small[1::2], *again]:
        d.free(b)
    d.empty_cache()
    d.malloc(1_200_000); d.malloc(20_000)


def large(megabytes, path):
    """Distinct stacks now and then, most events with one seen before, as in real files."""
    d = Device(stacks=True)
    rng = random.Random(5)
    per = 261
    n = int(megabytes * 1e6 / per)
    frames = [dict(name=f"fn{i}", filename=f"/home/user/project/module{i % 97}.py", line=i) for i in range(4000)]
    stacks = [[frames[rng.randrange(4000)] for _ in range(rng.randint(20, 60))] for _ in range(3000)]
    time = 1_700_000_000_000_000
    events, live = [], []
    base = 0x7F0000000000
    def add(action, addr, size):
        nonlocal time
        time += rng.randint(1, 50)
        events.append(dict(action=action, addr=addr, size=size, stream=0, frames=list(stacks[rng.randrange(3000)]), time_us=time))
    add("segment_alloc", base, 64 << 30)
    slots = list(range(4096))
    while len(events) < n:
        if live and (len(live) > 4000 or rng.random() < 0.5):
            i = rng.randrange(len(live)); live[i], live[-1] = live[-1], live[i]
            slot, size = live.pop(); slots.append(slot)
            add("free_requested", base + slot * 16 * MIB, size); add("free_completed", base + slot * 16 * MIB, size)
        else:
            slot, size = slots.pop(rng.randrange(len(slots))), rng.randrange(600, 16 * MIB)
            live.append((slot, size)); add("alloc", base + slot * 16 * MIB, size)
    used = dict(live); blocks = []
    for slot in range(4096):
        size = used.get(slot, 0)
        rounded = max(512, (size + 511) // 512 * 512) if size else 0
        if rounded:
            blocks.append(dict(address=base + slot * 16 * MIB, size=rounded, requested_size=size, state="active_allocated", frames=[]))
        if rounded < 16 * MIB:
            blocks.append(dict(address=base + slot * 16 * MIB + rounded, size=16 * MIB - rounded, requested_size=0, state="inactive", frames=[]))
    total = sum(b["size"] for b in blocks if b["state"] != "inactive")
    seg = dict(device=0, address=base, total_size=64 << 30, allocated_size=total, active_size=total, requested_size=total, stream=0, segment_type="large",
               segment_pool_id=(0, 0), is_expandable=False, frames=[], blocks=blocks)
    dump(dict(segments=[seg], device_traces=[events], allocator_settings={}, external_annotations=[]), path, 4)


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "--large":
        large(float(sys.argv[2]), sys.argv[3])
    elif len(sys.argv) == 2:
        fixtures(sys.argv[1])
        same_program(sys.argv[1])
    else:
        sys.exit(__doc__)
