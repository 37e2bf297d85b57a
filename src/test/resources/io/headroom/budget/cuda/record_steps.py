"""Records what training steps allocate, in order, without a GPU: the reference of CudaTraceTest and RecordedTypesTest.

Needs torch 2.6.0 (the CUDA build), torchvision 0.21.0, transformers 4.51.3 and g++. Tensors are fake CUDA ones: nothing is
computed, nothing downloaded, and PyTorch's own autocast, autograd and optimizers run. A device guard that does nothing stands in
for the missing driver; a dispatch mode sees every operator's outputs, finalizers see every storage go. What the mode itself would
change is put right: gradients are added in place where autograd would, dropout and attention take the kernels they take on CUDA,
cuBLAS gets its workspace at its first call. Whole numbers of up to eight bytes that Python passes to the device are left out.

With "lora_rank" PEFT 0.15.2 puts its adapters on the model that is on the device, as their makers do: weights, then adapters. "Adam8bit" is
that of bitsandbytes 0.45.5, whose kernels, in place, are left out: the lines of recorded-adapters.jsonl.

With "inference" nothing is trained: "steps" forward passes of model.eval() under torch.no_grad(), the lines of recorded-inference.jsonl. With
"new_tokens" beside it so many are generated in each step, the lines of recorded-generation.jsonl.

    python3 record_steps.py '{"name": "openai-community/gpt2", "optimizer": "SGD", "batch": 3, "autocast": "bfloat16"}' [--events]

prints a line for recorded-types.csv (peak of live blocks rounded to 512 bytes, SHA-256 of the sequence), or every event. With "config"
instead of "name" it takes the content of a config.json; a run a line of the standard input makes recorded-configs.jsonl. The peaks
in recorded-steps.csv are those of the simulated caching allocator on the recorded events, the sequences are hashed alike.
"""
import ctypes
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import weakref

import torch
import torchvision
import transformers as hf
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten
from transformers.models.deberta import modeling_deberta

aten = torch.ops.aten

GUARD = """
#include <c10/core/impl/DeviceGuardImplInterface.h>
using namespace c10;
struct Guard final : public impl::DeviceGuardImplInterface {
  Device cuda() const { return Device(DeviceType::CUDA, 0); }
  Stream stream() const { return Stream(Stream::DEFAULT, cuda()); }
  DeviceType type() const override { return DeviceType::CUDA; }
  Device exchangeDevice(Device) const override { return cuda(); }
  Device getDevice() const override { return cuda(); }
  void setDevice(Device) const override {}
  void uncheckedSetDevice(Device) const noexcept override {}
  Stream getStream(Device) const noexcept override { return stream(); }
  Stream getDefaultStream(Device) const override { return stream(); }
  Stream getNewStream(Device, int) const override { return stream(); }
  Stream exchangeStream(Stream) const noexcept override { return stream(); }
  DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void**, const Stream&, const DeviceIndex, const EventFlag) const override {}
  void block(void*, const Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void*, const DeviceIndex) const noexcept override {}
  bool queryStream(const Stream&) const override { return true; }
  void synchronizeStream(const Stream&) const override {}
};
extern "C" void install() { impl::device_guard_impl_registry[(size_t)DeviceType::CUDA].store(new Guard()); }
"""


def install_guard():
    folder = tempfile.mkdtemp()
    source, library = os.path.join(folder, "guard.cpp"), os.path.join(folder, "guard.so")
    with open(source, "w") as f:
        f.write(GUARD)
    include = os.path.join(os.path.dirname(torch.__file__), "include")
    libraries = os.path.join(os.path.dirname(torch.__file__), "lib")
    abi = int(torch._C._GLIBCXX_USE_CXX11_ABI)
    subprocess.run(["g++", "-O1", "-fPIC", "-shared", "-std=c++17", f"-D_GLIBCXX_USE_CXX11_ABI={abi}", "-I" + include, source, "-o", library, "-L" + libraries, "-lc10"], check=True)
    ctypes.CDLL(library).install()


def qwen3(hidden, layers, heads, wide):
    return hf.Qwen3Config(vocab_size=151936, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=wide, num_key_value_heads=8, head_dim=128, tie_word_embeddings=True)


LANGUAGE = {
    "distilbert/distilgpt2": lambda: hf.GPT2Config(n_layer=6),
    "openai-community/gpt2": lambda: hf.GPT2Config(),
    "openai-community/gpt2-medium": lambda: hf.GPT2Config(n_embd=1024, n_layer=24, n_head=16),
    "facebook/opt-125m": lambda: hf.OPTConfig(),
    "facebook/opt-350m": lambda: hf.OPTConfig(hidden_size=1024, ffn_dim=4096, num_hidden_layers=24, num_attention_heads=16, word_embed_proj_dim=512, do_layer_norm_before=False),
    "EleutherAI/gpt-neo-125M": lambda: hf.GPTNeoConfig(hidden_size=768, num_layers=12, num_heads=12, attention_types=[[["global", "local"], 6]], resid_dropout=0, embed_dropout=0, attention_dropout=0),
    "cerebras/Cerebras-GPT-111M": lambda: hf.GPT2Config(n_layer=10, activation_function="gelu", resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, n_positions=2048, n_inner=3072),
    "T5-small": lambda: hf.T5Config(decoder_start_token_id=0),
    "t5-base": lambda: hf.T5Config(decoder_start_token_id=0, d_model=768, num_layers=12, num_heads=12, d_ff=3072),
    "deberta-base": lambda: hf.DebertaConfig(pos_att_type=["c2p", "p2c"], relative_attention=True, position_biased_input=False, type_vocab_size=0, vocab_size=50265, layer_norm_eps=1e-7),
    "bert-base-uncased": lambda: hf.BertConfig(),
    "Qwen/Qwen3-0.6B": lambda: qwen3(1024, 28, 16, 3072),
    "Qwen/Qwen3-4B": lambda: qwen3(2560, 36, 32, 9728),
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B": lambda: hf.Qwen2Config(vocab_size=151936, hidden_size=1536, num_hidden_layers=28, num_attention_heads=12, num_key_value_heads=2, intermediate_size=8960, tie_word_embeddings=False),
    "meta-llama/Llama-3.2-3B-Instruct": lambda: hf.LlamaConfig(vocab_size=128256, hidden_size=3072, num_hidden_layers=28, num_attention_heads=24, num_key_value_heads=8, intermediate_size=8192, tie_word_embeddings=True),
    "google/gemma-2-2b-it": lambda: hf.Gemma2Config(vocab_size=256000, hidden_size=2304, num_hidden_layers=26, num_attention_heads=8, num_key_value_heads=4, head_dim=256, intermediate_size=9216, attn_implementation="eager"),
    "EleutherAI/pythia-1b": lambda: hf.GPTNeoXConfig(vocab_size=50304, hidden_size=2048, num_hidden_layers=16, num_attention_heads=8, intermediate_size=8192, max_position_embeddings=2048),
}
IMAGE = {"VGG16": "vgg16", "VGG19": "vgg19", "ResNet50": "resnet50", "ResNet101": "resnet101", "ResNet152": "resnet152", "MobileNetV2": "mobilenet_v2", "MobileNetV3Small": "mobilenet_v3_small", "MobileNetV3Large": "mobilenet_v3_large", "MnasNet": "mnasnet1_0", "ConvNeXtTiny": "convnext_tiny", "ConvNeXtBase": "convnext_base", "RegNetX400MF": "regnet_x_400mf", "RegNetY400MF": "regnet_y_400mf"}


INFERENCE = False


class Recorder(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.events, self.ids, self.count, self.phase, self.workspace = [], {}, 0, "load", False

    def track(self, tensor, operator):
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self.ids or storage.nbytes() == 0 or tensor.device.type != "cuda":
            return
        if operator.startswith("_to_copy") and storage.nbytes() <= 8:
            return
        index = self.ids[key] = self.count
        self.count += 1
        self.events.append(("a", index, storage.nbytes(), operator, self.phase))
        weakref.finalize(storage, lambda: (self.ids.pop(key, None), self.events.append(("f", index))))

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        name = str(operator).replace("aten.", "")
        base = name.split(".")[0]
        if base in ("mm", "addmm", "bmm", "baddbmm") and not self.workspace:
            self.workspace = True
            self.events.append(("a", self.count, 8519680, "cublas workspace", self.phase))
            self.count += 1
        if self.phase == "backward" and name == "add.Tensor" and isinstance(args[1], torch.Tensor) and args[0].dtype == args[1].dtype:
            if args[0].shape == args[1].shape and torch._C._storage_Use_Count(args[0].untyped_storage()._cdata) == 1:
                return aten.add_.Tensor(args[0], args[1])
        if base == "_local_scalar_dense":
            constant = getattr(args[0], "constant", None)
            if constant is not None:
                return constant.item()
            return args[0].device.type == "cuda" if args[0].dtype == torch.bool else 1.0
        out = operator(*args, **(kwargs or {}))
        outs = [t for t in tree_flatten(out)[0] if isinstance(t, torch.Tensor)]
        if "_attention" in base and "backward" not in base:  # seeds of the random generator are on the host
            outs = [t for t in outs if t.dtype not in (torch.long, torch.uint64) and t.numel() > 2]
        for tensor in outs:
            self.track(tensor, name)
        return out


def attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    """As autocast casts its arguments, the last first, and as PyTorch chooses the kernel."""
    half = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else None
    if half:
        attn_mask = attn_mask.to(half) if attn_mask is not None and attn_mask.dtype == torch.float32 else attn_mask
        value = value.to(half)
        key = key.to(half)
        query = query.to(half)
    with torch.autocast("cuda", enabled=False):
        if query.dtype != torch.float32 and attn_mask is None:
            return aten._scaled_dot_product_flash_attention(query, key, value, dropout_p, is_causal, scale=scale)[0]
        return aten._scaled_dot_product_efficient_attention(query, key, value, attn_mask, not INFERENCE, dropout_p, is_causal, scale=scale)[0]


def patch():
    torch.nn.functional.scaled_dot_product_attention = attention
    torch.nn.functional.dropout = lambda x, p=0.5, training=True, inplace=False: torch.native_dropout(x, p, True)[0] if training and p else x
    modeling_deberta.compute_attention_span = lambda q, k, most: min(max(q.size(-2), k.size(-2)), most)
    hf.HybridCache.get_seq_length = lambda self, layer_idx=0: 0
    torch.cuda.current_device = lambda: 0
    torch._C._select_conv_backend = lambda *a, **k: torch._C._ConvBackend.Cudnn
    torch._C._conv_determine_backend_memory_format = lambda *a, **k: torch.contiguous_format
    for name in ("uniform_", "normal_", "trunc_normal_", "erfinv_", "bernoulli_"):
        setattr(torch.Tensor, name, lambda self, *a, **k: self)
    torch.nn.init.trunc_normal_ = lambda tensor, *a, **k: tensor


def modules(module):
    for child in module.children():
        yield from modules(child)
    yield module


def image_model(model):
    for module in model.modules():
        for name, tensor in module._parameters.items():
            if tensor is not None:
                module._parameters[name] = torch.nn.Parameter(torch.empty(tensor.shape, device="cuda"))
        for name, tensor in module._buffers.items():
            if tensor is not None:
                module._buffers[name] = torch.empty(tensor.shape, device="cuda", dtype=tensor.dtype)
    return model


def language_model(name, attention, written):
    config = hf.AutoConfig.for_model(**written) if written else LANGUAGE[name]()
    if attention:
        config._attn_implementation = attention
    if config.model_type == "t5":
        return hf.T5ForConditionalGeneration(config)
    auto = hf.AutoModelForMaskedLM if config.model_type in ("bert", "deberta") else hf.AutoModelForCausalLM
    return auto.from_config(config, **({"attn_implementation": attention} if attention else {}))


def enter(half):
    if half:  # torch.autocast turns itself off where it sees no driver
        torch.set_autocast_enabled("cuda", True)
        torch.set_autocast_dtype("cuda", half)
        torch.autocast_increment_nesting()


def leave(half):
    if half:
        if torch.autocast_decrement_nesting() == 0:
            torch.clear_autocast_cache()
        torch.set_autocast_enabled("cuda", False)


@torch.no_grad()
def forward(recorder, model, plain, steps, batch, seq, image, dtype, half):
    x = outputs = None
    for _ in range(steps):
        recorder.phase = "input"
        x = None
        x = torch.empty(batch, 3, image, image, device="cuda", dtype=dtype) if plain else torch.empty(batch, seq, dtype=torch.long, device="cuda")
        more = {} if plain or not model.config.is_encoder_decoder else {"decoder_input_ids": torch.empty(batch, seq, dtype=torch.long, device="cuda")}
        recorder.phase = "forward"
        enter(half)
        outputs = model(x, **more)
        leave(half)


@torch.no_grad()
def generate(recorder, model, steps, batch, seq, new_tokens):
    """As transformers' generate calls the model: the prompt at once, then token by token, the cache of its own choice."""
    ids = None
    last = {"logits_to_keep": 1} if model._supports_logits_to_keep() else {}
    for _ in range(steps):
        recorder.phase = "input"
        ids = torch.empty(batch, seq, dtype=torch.long, device="cuda")
        past = hf.DynamicCache() if model._supports_cache_class else None
        for _ in range(new_tokens):
            recorder.phase = "forward"
            outputs = model(ids, past_key_values=past, use_cache=True, **last)
            scores = outputs.logits[:, -1, :].to(copy=True, dtype=torch.float32)
            past = outputs.past_key_values
            del outputs
            ids = scores.argmax(-1)[:, None]
            del scores


def adapted(model, rank):
    import peft

    peft.tuners.lora.layer.Linear.reset_lora_parameters = lambda *a, **k: None
    known = {} if model.config.model_type != "qwen3" else {"target_modules": ["q_proj", "v_proj"]}  # in PEFT's table from 0.16 on
    return peft.get_peft_model(model, peft.LoraConfig(r=rank, **known))


def adam8bit(parameters):
    import bitsandbytes as bnb

    bnb.optim.optimizer.Optimizer2State.update_step = lambda *a, **k: None
    torch.cuda.synchronize = lambda *a, **k: None
    return bnb.optim.Adam8bit(parameters, lr=1e-3)


def record(name=None, optimizer="SGD", batch=1, seq=128, image=86, classes=1000, zero=0, steps=2, autocast=None, precision=None, checkpointing=False, attention=None, config=None, inference=False, lora_rank=0, new_tokens=0):
    global INFERENCE
    INFERENCE = inference
    recorder = Recorder()
    plain = getattr(torchvision.models, IMAGE[name])(num_classes=classes) if name in IMAGE else None
    half = autocast and getattr(torch, autocast)
    dtype = getattr(torch, precision or "float32")
    with FakeTensorMode(allow_non_fake_inputs=True):
        with torch.device("cuda"):
            model = (image_model(plain) if plain else language_model(name, attention, config)).to(dtype)
        model.train(not inference)
        if checkpointing:
            model.gradient_checkpointing_enable()
        if lora_rank:
            with torch.device("cuda"):
                model = adapted(model, lora_rank)
        with recorder:
            for module in modules(model):
                for tensor in list(module._parameters.values()) + list(module._buffers.values()):
                    if tensor is not None:
                        recorder.track(tensor, "weight")
            if new_tokens:
                generate(recorder, model, steps, batch, seq, new_tokens)
                return list(recorder.events)
            if inference:
                forward(recorder, model, plain, steps, batch, seq, image, dtype, half)
                return list(recorder.events)
            options = {} if optimizer == "Adafactor" else {"foreach": True}
            if optimizer == "Adam8bit":
                update = adam8bit(model.parameters())
            elif optimizer == "Adafactor" and not plain:  # transformers' own, which its Trainer takes
                update = hf.optimization.Adafactor(model.parameters(), lr=1e-3, relative_step=False)
            else:
                update = getattr(torch.optim, optimizer)(model.parameters(), lr=1e-3, **options)
            x = y = outputs = None
            for _ in range(steps):
                if zero == 0:
                    update.zero_grad()
                recorder.phase = "input"
                x = y = None
                if plain:
                    x = torch.empty(batch, 3, image, image, device="cuda", dtype=dtype)
                    y = torch.empty(batch, dtype=torch.long, device="cuda")
                else:
                    x = torch.empty(batch, seq, dtype=torch.long, device="cuda")
                    y = torch.empty(batch, seq, dtype=torch.long, device="cuda")
                recorder.phase = "forward"
                enter(half)
                if plain:
                    outputs = model(x)
                    loss = torch.nn.functional.cross_entropy(outputs, y)
                else:
                    outputs = model(input_ids=x, labels=y)
                    loss = outputs.loss
                leave(half)
                if zero == 1:
                    update.zero_grad()
                recorder.phase = "backward"
                loss.backward()
                recorder.phase = "optimizer"
                update.step()
                if zero == 2:
                    update.zero_grad()
                if plain:
                    predicted = outputs.max(1)
            return list(recorder.events)


def summary(events):
    digest, freed, live, peak, now = hashlib.sha256(), [], {}, 0, 0
    for event in events:
        if event[0] == "f":
            freed.append(event[1])
            now -= live.pop(event[1])
            continue
        if freed:
            digest.update(("f" + ",".join(map(str, sorted(freed))) + "\n").encode())
            freed = []
        digest.update(f"a{event[2]}\n".encode())
        live[event[1]] = (event[2] + 511) // 512 * 512
        now += live[event[1]]
        peak = max(peak, now)
    return peak, digest.hexdigest()


def main():
    install_guard()
    patch()
    if len(sys.argv) == 1:
        for line in sys.stdin:
            run = json.loads(line)
            print(json.dumps({**run, "peak": summary(record(**run))[0]}), flush=True)
        return
    run = json.loads(sys.argv[1])
    events = record(**run)
    if "--events" in sys.argv:
        for event in events:
            print(*event)
        return
    peak, digest = summary(events)
    keys = [("name", ""), ("optimizer", ""), ("batch", 1), ("seq", 128), ("image", 86), ("classes", 1000), ("zero", 0), ("steps", 2), ("autocast", ""), ("precision", ""), ("checkpointing", False), ("attention", "")]
    print(",".join(str(run.get(key, usual)) for key, usual in keys) + f",{peak},{digest}")


if __name__ == "__main__":
    main()
