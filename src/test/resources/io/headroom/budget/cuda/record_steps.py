"""Records what training steps allocate, in order, without a GPU: the reference of CudaTraceTest.

Needs torch 2.6.0, torchvision 0.21.0 and transformers 4.51.3. Models are built on the meta device, so nothing is
computed and nothing downloaded; a dispatch mode sees every operator's outputs, finalizers see every storage go.
What the mode itself would change is put right: gradients are added in place where autograd would (the storage has one
owner), dropout and attention take the kernels they take on CUDA, and cuBLAS gets its workspace at its first call.

    python3 record_steps.py MODEL OPTIMIZER BATCH [SEQ]      one line an event: a SIZE OPERATOR | f INDEX
"""
import os
import sys
import weakref

import torch
import torchvision
import transformers
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

aten = torch.ops.aten


class Recorder(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.events, self.ids, self.count, self.phase, self.workspace = [], {}, 0, "load", False

    def track(self, tensor, operator):
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self.ids or storage.nbytes() == 0 or tensor.device.type != "meta":
            return
        index = self.ids[key] = self.count
        self.count += 1
        self.events.append(("a", index, storage.nbytes(), operator))
        weakref.finalize(storage, lambda: (self.ids.pop(key, None), self.events.append(("f", index))))

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        name = str(operator).replace("aten.", "")
        base = name.split(".")[0]
        if base in ("mm", "addmm", "bmm", "baddbmm") and not self.workspace:
            self.workspace = True
            self.events.append(("a", self.count, 8519680, "cublas workspace"))
            self.count += 1
        if self.phase == "backward" and name == "add.Tensor" and isinstance(args[1], torch.Tensor):
            if args[0].shape == args[1].shape and torch._C._storage_Use_Count(args[0].untyped_storage()._cdata) == 1:
                return aten.add_.Tensor(args[0], args[1])
        out = operator(*args, **(kwargs or {}))
        for tensor in tree_flatten(out)[0]:
            if isinstance(tensor, torch.Tensor):
                self.track(tensor, name)
        return out


def attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    return aten._scaled_dot_product_efficient_attention(query, key, value, attn_mask, True, dropout_p, is_causal, scale=scale)[0]


def dropout(x, p=0.5, training=True, inplace=False):
    return torch.native_dropout(x, p, True)[0] if training and p else x


torch.nn.functional.scaled_dot_product_attention = attention
torch.nn.functional.dropout = dropout


def modules(module):
    for child in module.children():
        yield from modules(child)
    yield module


def record(model, optimizer, batch, steps=2):
    recorder = Recorder()
    with recorder:
        model.train()
        for module in modules(model):
            for tensor in list(module._parameters.values()) + list(module._buffers.values()):
                if tensor is not None:
                    recorder.track(tensor, "weight")
        update = optimizer(model.parameters())
        for _ in range(steps):
            update.zero_grad()
            inputs = None
            inputs = batch()
            recorder.phase = "forward"
            if hasattr(model, "config"):
                outputs = model(**inputs)
                loss = outputs.loss
            else:
                outputs = model(inputs["x"])
                loss = torch.nn.functional.cross_entropy(outputs, inputs["y"])
            recorder.phase = "backward"
            loss.backward()
            recorder.phase = "optimizer"
            update.step()
        return list(recorder.events)


def main():
    name, kind, batch = sys.argv[1], sys.argv[2], int(sys.argv[3])
    seq = int(sys.argv[4]) if len(sys.argv) > 4 else 128
    optimizer = lambda p: getattr(torch.optim, kind)(p, lr=1e-3, foreach=True)
    with torch.device("meta"):
        if hasattr(torchvision.models, name):
            model = getattr(torchvision.models, name)()
            inputs = lambda: dict(x=torch.zeros(batch, 3, 86, 86, device="meta"), y=torch.zeros(batch, dtype=torch.long, device="meta"))
        else:
            config = transformers.AutoConfig.from_pretrained(name) if os.path.isdir(name) else transformers.GPT2Config()
            model = transformers.AutoModelForCausalLM.from_config(config)
            inputs = lambda: dict.fromkeys(("input_ids", "labels"), torch.zeros(batch, seq, dtype=torch.long, device="meta"))
    for event in record(model, optimizer, inputs):
        print(*event)


if __name__ == "__main__":
    main()
