package io.headroom.workload.preset;

import java.util.ArrayList;
import java.util.List;

/**
 * The weights of each family in PyTorch's order: children before a module's own, as {@code nn.Module._apply} walks.
 *
 * <p>Source: {@code modeling_*.py} of transformers 4.51.3, checked name by name against models built there.
 */
final class LanguageWeights {
    private static final int FLOAT = 4;
    private static final int ROTARY_PART = 4;
    private final List<Weight> weights = new ArrayList<>();
    private final LanguageModel model;

    private LanguageWeights(LanguageModel model) {
        this.model = model;
    }

    static List<Weight> of(LanguageModel model) {
        LanguageWeights all = new LanguageWeights(model);
        switch (model.family()) {
            case GPT2 -> all.gpt2();
            case OPT -> all.opt();
            case GPT_NEO -> all.neo();
            case GPT_NEOX -> all.neox();
            case T5 -> all.t5();
            case BERT -> all.bert();
            case DEBERTA -> all.deberta();
            case LLAMA, QWEN2, QWEN3, GEMMA2 -> all.llama();
        }
        return List.copyOf(all.weights);
    }

    private void weight(String name, long... shape) {
        List<Long> dimensions = new ArrayList<>();
        for (long dimension : shape) {
            dimensions.add(dimension);
        }
        weights.add(new Weight(name, dimensions, true, FLOAT));
    }

    private void buffer(String name, int elementBytes, long... shape) {
        weight(name, shape);
        Weight last = weights.remove(weights.size() - 1);
        weights.add(new Weight(name, last.shape(), false, elementBytes));
    }

    private void norm(String name, long width) {
        weight(name + ".weight", width);
        weight(name + ".bias", width);
    }

    private void linear(String name, long out, long in, boolean bias) {
        weight(name + ".weight", out, in);
        if (bias) {
            weight(name + ".bias", out);
        }
    }

    private void conv1d(String name, long in, long out) {
        weight(name + ".weight", in, out);
        weight(name + ".bias", out);
    }

    private void output(String name) {
        if (!model.tied()) {
            weight(name + ".weight", model.vocab(), model.hidden());
        }
    }

    private void gpt2() {
        long h = model.hidden();
        weight("transformer.wte.weight", model.vocab(), h);
        weight("transformer.wpe.weight", model.positions(), h);
        for (long i = 0; i < model.layers(); i++) {
            String block = "transformer.h." + i;
            norm(block + ".ln_1", h);
            conv1d(block + ".attn.c_attn", h, 3 * h);
            conv1d(block + ".attn.c_proj", h, h);
            buffer(block + ".attn.bias", 1, 1, 1, model.positions(), model.positions());
            buffer(block + ".attn.masked_bias", FLOAT);
            norm(block + ".ln_2", h);
            conv1d(block + ".mlp.c_fc", h, model.intermediate());
            conv1d(block + ".mlp.c_proj", model.intermediate(), h);
        }
        norm("transformer.ln_f", h);
        output("lm_head");
    }

    private void neo() {
        long h = model.hidden();
        weight("transformer.wte.weight", model.vocab(), h);
        weight("transformer.wpe.weight", model.positions(), h);
        for (long i = 0; i < model.layers(); i++) {
            String block = "transformer.h." + i;
            norm(block + ".ln_1", h);
            linear(block + ".attn.attention.k_proj", h, h, false);
            linear(block + ".attn.attention.v_proj", h, h, false);
            linear(block + ".attn.attention.q_proj", h, h, false);
            linear(block + ".attn.attention.out_proj", h, h, true);
            buffer(block + ".attn.attention.bias", 1, 1, 1, model.positions(), model.positions());
            buffer(block + ".attn.attention.masked_bias", FLOAT);
            norm(block + ".ln_2", h);
            linear(block + ".mlp.c_fc", model.intermediate(), h, true);
            linear(block + ".mlp.c_proj", h, model.intermediate(), true);
        }
        norm("transformer.ln_f", h);
        output("lm_head");
    }

    private void opt() {
        long h = model.hidden();
        boolean projected = model.embedding() != h;
        weight("model.decoder.embed_tokens.weight", model.vocab(), model.embedding());
        weight("model.decoder.embed_positions.weight", model.positions(), h);
        if (projected) {
            weight("model.decoder.project_out.weight", model.embedding(), h);
            weight("model.decoder.project_in.weight", h, model.embedding());
        }
        if (model.normFirst()) {
            norm("model.decoder.final_layer_norm", h);
        }
        for (long i = 0; i < model.layers(); i++) {
            String block = "model.decoder.layers." + i;
            linear(block + ".self_attn.k_proj", h, h, true);
            linear(block + ".self_attn.v_proj", h, h, true);
            linear(block + ".self_attn.q_proj", h, h, true);
            linear(block + ".self_attn.out_proj", h, h, true);
            norm(block + ".self_attn_layer_norm", h);
            linear(block + ".fc1", model.intermediate(), h, true);
            linear(block + ".fc2", h, model.intermediate(), true);
            norm(block + ".final_layer_norm", h);
        }
        if (!model.tied()) {
            weight("lm_head.weight", model.vocab(), model.embedding());
        }
    }

    private void neox() {
        long h = model.hidden();
        weight("gpt_neox.embed_in.weight", model.vocab(), h);
        for (long i = 0; i < model.layers(); i++) {
            String block = "gpt_neox.layers." + i;
            norm(block + ".input_layernorm", h);
            norm(block + ".post_attention_layernorm", h);
            linear(block + ".attention.query_key_value", 3 * h, h, true);
            linear(block + ".attention.dense", h, h, true);
            linear(block + ".mlp.dense_h_to_4h", model.intermediate(), h, true);
            linear(block + ".mlp.dense_4h_to_h", h, model.intermediate(), true);
        }
        norm("gpt_neox.final_layer_norm", h);
        buffer("gpt_neox.rotary_emb.inv_freq", FLOAT, (model.headWidth() / ROTARY_PART + 1) / 2);
        output("embed_out");
    }

    private void t5() {
        weight("shared.weight", model.vocab(), model.hidden());
        t5Stack("encoder", false);
        t5Stack("decoder", true);
        output("lm_head");
    }

    private void t5Stack(String stack, boolean cross) {
        long h = model.hidden();
        for (long i = 0; i < model.layers(); i++) {
            String block = stack + ".block." + i + ".layer.";
            t5Attention(block + "0.SelfAttention");
            if (i == 0) {
                weight(block + "0.SelfAttention.relative_attention_bias.weight", model.positions(), model.heads());
            }
            weight(block + "0.layer_norm.weight", h);
            if (cross) {
                t5Attention(block + "1.EncDecAttention");
                weight(block + "1.layer_norm.weight", h);
            }
            String forward = block + (cross ? 2 : 1);
            linear(forward + ".DenseReluDense.wi", model.intermediate(), h, false);
            linear(forward + ".DenseReluDense.wo", h, model.intermediate(), false);
            weight(forward + ".layer_norm.weight", h);
        }
        weight(stack + ".final_layer_norm.weight", h);
    }

    private void t5Attention(String name) {
        long inner = model.heads() * model.headWidth();
        linear(name + ".q", inner, model.hidden(), false);
        linear(name + ".k", inner, model.hidden(), false);
        linear(name + ".v", inner, model.hidden(), false);
        linear(name + ".o", model.hidden(), inner, false);
    }

    private void bert() {
        long h = model.hidden();
        weight("bert.embeddings.word_embeddings.weight", model.vocab(), h);
        weight("bert.embeddings.position_embeddings.weight", model.positions(), h);
        weight("bert.embeddings.token_type_embeddings.weight", model.types(), h);
        norm("bert.embeddings.LayerNorm", h);
        buffer("bert.embeddings.position_ids", 8, 1, model.positions());
        buffer("bert.embeddings.token_type_ids", 8, 1, model.positions());
        for (long i = 0; i < model.layers(); i++) {
            String block = "bert.encoder.layer." + i;
            linear(block + ".attention.self.query", h, h, true);
            linear(block + ".attention.self.key", h, h, true);
            linear(block + ".attention.self.value", h, h, true);
            encoderTail(block);
        }
        head();
    }

    private void encoderTail(String block) {
        long h = model.hidden();
        linear(block + ".attention.output.dense", h, h, true);
        norm(block + ".attention.output.LayerNorm", h);
        linear(block + ".intermediate.dense", model.intermediate(), h, true);
        linear(block + ".output.dense", h, model.intermediate(), true);
        norm(block + ".output.LayerNorm", h);
    }

    private void head() {
        linear("cls.predictions.transform.dense", model.hidden(), model.hidden(), true);
        norm("cls.predictions.transform.LayerNorm", model.hidden());
        if (!model.tied()) {
            weight("cls.predictions.decoder.weight", model.vocab(), model.hidden());
        }
        weight("cls.predictions.bias", model.vocab());
    }

    private void deberta() {
        long h = model.hidden();
        weight("deberta.embeddings.word_embeddings.weight", model.vocab(), h);
        norm("deberta.embeddings.LayerNorm", h);
        buffer("deberta.embeddings.position_ids", 8, 1, model.positions());
        for (long i = 0; i < model.layers(); i++) {
            String block = "deberta.encoder.layer." + i;
            linear(block + ".attention.self.in_proj", 3 * h, h, false);
            linear(block + ".attention.self.pos_proj", h, h, false);
            linear(block + ".attention.self.pos_q_proj", h, h, true);
            weight(block + ".attention.self.q_bias", h);
            weight(block + ".attention.self.v_bias", h);
            encoderTail(block);
        }
        weight("deberta.encoder.rel_embeddings.weight", 2 * model.positions(), h);
        head();
    }

    private void llama() {
        long h = model.hidden();
        long head = model.headWidth();
        boolean bias = model.family() == Family.QWEN2;
        weight("model.embed_tokens.weight", model.vocab(), h);
        for (long i = 0; i < model.layers(); i++) {
            String block = "model.layers." + i;
            linear(block + ".self_attn.q_proj", model.heads() * head, h, bias);
            linear(block + ".self_attn.k_proj", model.keyValueHeads() * head, h, bias);
            linear(block + ".self_attn.v_proj", model.keyValueHeads() * head, h, bias);
            linear(block + ".self_attn.o_proj", h, model.heads() * head, false);
            if (model.family() == Family.QWEN3) {
                weight(block + ".self_attn.q_norm.weight", head);
                weight(block + ".self_attn.k_norm.weight", head);
            }
            linear(block + ".mlp.gate_proj", model.intermediate(), h, false);
            linear(block + ".mlp.up_proj", model.intermediate(), h, false);
            linear(block + ".mlp.down_proj", h, model.intermediate(), false);
            weight(block + ".input_layernorm.weight", h);
            weight(block + ".post_attention_layernorm.weight", h);
            if (model.family() == Family.GEMMA2) {
                weight(block + ".pre_feedforward_layernorm.weight", h);
                weight(block + ".post_feedforward_layernorm.weight", h);
            }
        }
        weight("model.norm.weight", h);
        buffer("model.rotary_emb.inv_freq", FLOAT, head / 2);
        output("lm_head");
    }
}
