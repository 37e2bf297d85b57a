"""Builds small models from config.jsons with a key left out or another value and runs a step: the reference of ConfigDefaultsTest.

Needs torch and transformers 4.51.3; nothing is downloaded.

    python3 record_configs.py > configs.jsonl

One JSON object a line: the config.json, what was changed, and of the model that transformers builds from it the number of parameters,
the dropouts and the activation of its modules; "refused" where it raises.
"""
import importlib
import json

import torch
import transformers as hf

SIZES = {"hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 6}
BASES = {
    "gpt2": {"n_embd": 96, "n_layer": 3, "n_head": 6, "n_inner": 200, "n_positions": 64, "vocab_size": 500, "resid_pdrop": 0.0, "embd_pdrop": 0.2, "attn_pdrop": 0.3, "activation_function": "relu", "tie_word_embeddings": False},
    "opt": {**SIZES, "ffn_dim": 200, "max_position_embeddings": 64, "vocab_size": 500, "word_embed_proj_dim": 48, "do_layer_norm_before": False, "dropout": 0.0, "attention_dropout": 0.3, "activation_function": "gelu", "tie_word_embeddings": True},
    "gpt_neo": {"hidden_size": 96, "num_layers": 4, "num_heads": 6, "attention_types": [[["global", "local"], 2]], "intermediate_size": 200, "max_position_embeddings": 64, "vocab_size": 500, "resid_dropout": 0.1, "embed_dropout": 0.2, "attention_dropout": 0.3, "activation_function": "relu", "tie_word_embeddings": False},
    "gpt_neox": {**SIZES, "hidden_act": "gelu_new", "intermediate_size": 200, "vocab_size": 500, "tie_word_embeddings": True},
    "t5": {"decoder_start_token_id": 0, "d_model": 96, "num_layers": 3, "num_decoder_layers": 3, "num_heads": 6, "d_kv": 20, "d_ff": 200, "vocab_size": 500, "relative_attention_num_buckets": 16, "dropout_rate": 0.3, "feed_forward_proj": "gelu", "tie_word_embeddings": False},
    "bert": {**SIZES, "intermediate_size": 200, "max_position_embeddings": 64, "type_vocab_size": 3, "vocab_size": 500, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.3, "hidden_act": "relu", "tie_word_embeddings": True},
    "deberta": {**SIZES, "intermediate_size": 200, "max_position_embeddings": 64, "vocab_size": 500, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.3, "hidden_act": "relu", "relative_attention": True, "position_biased_input": False, "pos_att_type": ["c2p", "p2c"], "tie_word_embeddings": True},
    "llama": {**SIZES, "num_key_value_heads": 2, "head_dim": 20, "intermediate_size": 200, "vocab_size": 500, "hidden_act": "gelu", "tie_word_embeddings": True},
    "qwen2": {**SIZES, "num_key_value_heads": 2, "intermediate_size": 200, "vocab_size": 500, "hidden_act": "gelu", "tie_word_embeddings": True},
    "qwen3": {**SIZES, "num_key_value_heads": 2, "head_dim": 20, "intermediate_size": 200, "vocab_size": 500, "hidden_act": "gelu", "tie_word_embeddings": True},
    "gemma2": {**SIZES, "num_key_value_heads": 2, "head_dim": 20, "intermediate_size": 200, "vocab_size": 500, "hidden_activation": "relu", "tie_word_embeddings": False},
}
OTHERS = {
    "gpt2": [{"n_embd": 100}, {"n_layer": None, "num_hidden_layers": 5}, {"n_inner": None}],
    "opt": [{"hidden_size": 100}, {"do_layer_norm_before": True}, {"word_embed_proj_dim": None}],
    "gpt_neo": [{"hidden_size": 100}, {"num_layers": 6}, {"intermediate_size": None}],
    "gpt_neox": [{"hidden_size": 100}, {"hidden_size": 120}],
    "t5": [{"d_model": 100}, {"num_decoder_layers": None}, {"feed_forward_proj": "silu"}],
    "bert": [{"hidden_size": 100}],
    "deberta": [{"hidden_size": 100}, {"max_relative_positions": 64}, {"pos_att_type": "p2c|c2p"}],
    "llama": [{"hidden_size": 100, "head_dim": None}, {"num_key_value_heads": None}],
    "qwen2": [{"hidden_size": 100}, {"num_key_value_heads": None}],
    "qwen3": [{"hidden_size": 100}, {"num_key_value_heads": None}],
    "gemma2": [{"hidden_size": 100}, {"hidden_act": "silu"}],
}
NAMES = {"ReLU": "relu", "SiLU": "silu", "GELUActivation": "gelu", "NewGELUActivation": "gelu_new", "PytorchGELUTanh": "gelu_pytorch_tanh"}


def build(config):
    kind = config["model_type"]
    read = hf.AutoConfig.for_model(**config)
    if kind == "t5":
        model = hf.T5ForConditionalGeneration(read)
    elif kind in ("bert", "deberta"):
        model = hf.AutoModelForMaskedLM.from_config(read)
    else:
        model = hf.AutoModelForCausalLM.from_config(read)
    return model


def build_and_run(config):
    """The model on the meta device, after a step on the host where it is small: not all that can be built can be run."""
    with torch.device("meta"):
        model = build(config)
    if model.num_parameters() < 30_000_000:
        ids = torch.ones(2, 8, dtype=torch.long)
        build(config).train()(input_ids=ids, labels=ids).loss.backward()
    return model


def places(kind, model):
    """The rates of dropout of embeddings, branches and attention, and the activation, as the modules have them."""
    if kind == "gpt2":
        block = model.transformer.h[0]
        return model.transformer.drop.p, block.mlp.dropout.p, block.attn.attn_dropout.p, block.mlp.act
    if kind == "gpt_neo":
        block = model.transformer.h[0]
        inner = block.attn.attention
        return model.transformer.drop.p, inner.resid_dropout.p, inner.attn_dropout.p, block.mlp.act
    if kind == "opt":
        block = model.model.decoder.layers[0]
        return block.dropout, block.dropout, block.self_attn.dropout, block.activation_fn
    if kind == "gpt_neox":
        block = model.gpt_neox.layers[0]
        return model.gpt_neox.emb_dropout.p, block.post_mlp_dropout.p, block.attention.attention_dropout, block.mlp.act
    if kind == "t5":
        forward = model.encoder.block[0].layer[-1]
        return model.encoder.dropout.p, forward.dropout.p, model.encoder.block[0].layer[0].SelfAttention.dropout, forward.DenseReluDense.act
    if kind in ("bert", "deberta"):
        base = getattr(model, kind)
        block = base.encoder.layer[0]
        inner = getattr(block.attention, "self")
        return base.embeddings.dropout.p, block.output.dropout.p, inner.dropout.p, block.intermediate.intermediate_act_fn
    block = model.model.layers[0]
    return 0.0, 0.0, block.self_attn.attention_dropout, block.mlp.act_fn


def line(kind, changed, config):
    row = {"config": {"model_type": kind, **config}, "changed": changed}
    try:
        model = build_and_run(row["config"])
    except (ValueError, RuntimeError, KeyError, TypeError, ZeroDivisionError, IndexError) as e:
        row["refused"] = f"{type(e).__name__}: {e}".splitlines()[0][:200]
    else:
        embeddings, branches, attention, activation = places(kind, model)
        row["parameters"] = model.num_parameters()
        row["dropouts"] = [float(embeddings), float(branches), float(attention)]
        row["activation"] = NAMES[type(activation).__name__]
    print(json.dumps(row), flush=True)


for kind, base in BASES.items():
    importlib.import_module(f"transformers.models.{kind}.modeling_{kind}")  # fails on the meta device
    line(kind, "nothing", base)
    for key in base:
        if key == "decoder_start_token_id":
            continue
        line(kind, f"without {key}", {k: v for k, v in base.items() if k != key})
    for other in OTHERS[kind]:
        line(kind, json.dumps(other), {**base, **other})
