package io.headroom.workload.preset;

import java.util.List;

/**
 * What each configuration class calls a size; where two names mean one (its {@code attribute_map}) the one that wins comes first.
 *
 * <p>Source: {@code configuration_gpt2.py}, {@code configuration_gpt_neo.py} and so on of transformers 4.51.3. A key that a class does
 * not know is as little looked at as there.
 *
 * @param embeddingDropout none where the embeddings have the dropout of the branches
 */
record ConfigKeys(
        List<String> hidden,
        List<String> layers,
        List<String> heads,
        List<String> groups,
        List<String> headWidth,
        List<String> intermediate,
        List<String> positions,
        String activation,
        List<String> dropout,
        List<String> embeddingDropout,
        List<String> attentionDropout) {
    private static final List<String> HIDDEN = List.of("hidden_size");
    private static final List<String> LAYERS = List.of("num_hidden_layers");
    private static final List<String> HEADS = List.of("num_attention_heads");
    private static final List<String> GROUPS = List.of("num_key_value_heads");
    private static final List<String> INTERMEDIATE = List.of("intermediate_size");
    private static final List<String> POSITIONS = List.of("max_position_embeddings");
    private static final List<String> NONE = List.of();

    static ConfigKeys of(Family family) {
        return switch (family) {
            case GPT2 ->
                new ConfigKeys(
                        List.of("hidden_size", "n_embd"),
                        List.of("num_hidden_layers", "n_layer"),
                        List.of("num_attention_heads", "n_head"),
                        NONE,
                        NONE,
                        List.of("n_inner"),
                        List.of("max_position_embeddings", "n_positions"),
                        "activation_function",
                        List.of("resid_pdrop"),
                        List.of("embd_pdrop"),
                        List.of("attn_pdrop"));
            case GPT_NEO ->
                new ConfigKeys(
                        HIDDEN,
                        List.of("num_hidden_layers", "num_layers"),
                        List.of("num_attention_heads", "num_heads"),
                        NONE,
                        NONE,
                        INTERMEDIATE,
                        POSITIONS,
                        "activation_function",
                        List.of("resid_dropout"),
                        List.of("embed_dropout"),
                        List.of("attention_dropout"));
            case OPT ->
                new ConfigKeys(
                        HIDDEN,
                        LAYERS,
                        HEADS,
                        NONE,
                        NONE,
                        List.of("ffn_dim"),
                        POSITIONS,
                        "activation_function",
                        List.of("dropout"),
                        NONE,
                        List.of("attention_dropout"));
            case T5 ->
                new ConfigKeys(
                        List.of("hidden_size", "d_model"),
                        List.of("num_hidden_layers", "num_layers"),
                        List.of("num_attention_heads", "num_heads"),
                        NONE,
                        List.of("head_dim", "d_kv"),
                        List.of("d_ff"),
                        List.of("relative_attention_num_buckets"),
                        "feed_forward_proj",
                        List.of("dropout_rate"),
                        NONE,
                        List.of("dropout_rate"));
            case BERT, DEBERTA ->
                new ConfigKeys(
                        HIDDEN,
                        LAYERS,
                        HEADS,
                        NONE,
                        NONE,
                        INTERMEDIATE,
                        POSITIONS,
                        "hidden_act",
                        List.of("hidden_dropout_prob"),
                        NONE,
                        List.of("attention_probs_dropout_prob"));
            case GPT_NEOX -> rotary(NONE, NONE, "hidden_act");
            case LLAMA, QWEN2, QWEN3 -> rotary(GROUPS, List.of("head_dim"), "hidden_act");
            case GEMMA2 -> rotary(GROUPS, List.of("head_dim"), "hidden_activation");
        };
    }

    /** No table of positions, and no dropout that is followed. */
    private static ConfigKeys rotary(List<String> groups, List<String> headWidth, String activation) {
        return new ConfigKeys(
                HIDDEN, LAYERS, HEADS, groups, headWidth, INTERMEDIATE, NONE, activation, NONE, NONE, NONE);
    }
}
