package io.headroom.workload.preset;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.StreamSupport;

/** What a config.json can say that makes another network than the one that is followed. */
final class ConfigLimits {
    private static final Set<String> ACTIVATIONS =
            Set.of("gelu_new", "gelu", "relu", "silu", "swish", "gelu_pytorch_tanh");

    /** A key, the values of it that are followed, and what is followed instead of others; where it is absent nothing is wrong. */
    private record Rule(Set<Family> families, String key, Predicate<JsonNode> followed, String instead) {}

    private static final long LAYERS_OF_T5 = 6;
    private static final long LAYERS_OF_GPT_NEO = 24;
    private static final long POSITIONS_OF_DEBERTA = 512;
    private static final long HIDDEN_OF_DEBERTA = 768;
    private static final Set<Family> ALL = Set.of(Family.values());
    private static final Set<Family> LLAMAS = Set.of(Family.LLAMA, Family.QWEN2, Family.QWEN3, Family.GEMMA2);
    private static final Predicate<JsonNode> FALSE = node -> !node.asBoolean(false);
    private static final Predicate<JsonNode> TRUE = node -> node.asBoolean(true);

    private static final List<Rule> RULES = List.of(
            new Rule(ALL, "quantization_config", JsonNode::isNull, "weights that are not quantized"),
            new Rule(ALL, "is_decoder", FALSE, "false"),
            new Rule(ALL, "add_cross_attention", FALSE, "false"),
            new Rule(ALL, "output_attentions", FALSE, "false"),
            new Rule(ALL, "output_hidden_states", FALSE, "false"),
            new Rule(ALL, "torchscript", FALSE, "false"),
            new Rule(ALL, "pruned_heads", JsonNode::isEmpty, "none"),
            new Rule(Set.of(Family.T5), "tie_encoder_decoder", FALSE, "false"),
            new Rule(Set.of(Family.BERT), "chunk_size_feed_forward", node -> node.asLong() == 0, "0"),
            new Rule(Set.of(Family.LLAMA, Family.QWEN3, Family.GEMMA2), "attention_bias", FALSE, "false"),
            new Rule(Set.of(Family.LLAMA), "mlp_bias", FALSE, "false"),
            new Rule(LLAMAS, "attention_dropout", node -> node.asDouble() == 0, "0"),
            new Rule(Set.of(Family.GEMMA2), "attn_logit_softcapping", JsonNode::isNumber, "a number"),
            new Rule(Set.of(Family.GEMMA2), "final_logit_softcapping", JsonNode::isNumber, "a number"),
            new Rule(Set.of(Family.GPT_NEOX), "attention_bias", TRUE, "true"),
            new Rule(Set.of(Family.GPT_NEOX), "use_parallel_residual", TRUE, "true"),
            new Rule(Set.of(Family.GPT_NEOX), "rotary_pct", node -> node.asDouble() == 0.25, "0.25"),
            new Rule(Set.of(Family.GPT_NEOX), "attention_dropout", node -> node.asDouble() == 0, "0"),
            new Rule(Set.of(Family.GPT_NEOX), "hidden_dropout", node -> node.asDouble() == 0, "0"),
            new Rule(Set.of(Family.GPT2), "reorder_and_upcast_attn", FALSE, "false"),
            new Rule(Set.of(Family.GPT2), "scale_attn_by_inverse_layer_idx", FALSE, "false"),
            new Rule(Set.of(Family.GPT2), "scale_attn_weights", TRUE, "true"),
            new Rule(Set.of(Family.OPT), "enable_bias", TRUE, "true"),
            new Rule(Set.of(Family.OPT), "layer_norm_elementwise_affine", TRUE, "true"),
            new Rule(Set.of(Family.OPT), "layerdrop", node -> node.asDouble() == 0, "0"),
            new Rule(Set.of(Family.OPT), "_remove_final_layer_norm", FALSE, "false"),
            new Rule(
                    Set.of(Family.BERT),
                    "position_embedding_type",
                    node -> node.asText().equals("absolute"),
                    "absolute"),
            new Rule(Set.of(Family.DEBERTA), "position_biased_input", FALSE, "false"),
            new Rule(Set.of(Family.DEBERTA), "type_vocab_size", node -> node.asLong() == 0, "0"),
            new Rule(Set.of(Family.DEBERTA), "pos_att_type", ConfigLimits::bothWays, "c2p|p2c"),
            new Rule(Set.of(Family.DEBERTA), "relative_attention", TRUE, "true"),
            new Rule(Set.of(Family.DEBERTA), "legacy", TRUE, "true"),
            new Rule(Set.of(Family.DEBERTA), "talking_head", FALSE, "false"));

    /** What DeBERTa's class takes where these are left out, {@code configuration_deberta.py}, is another network. */
    private static final Map<String, String> DEBERTA_NEEDS = new TreeMap<>(
            Map.of("relative_attention", "true", "position_biased_input", "false", "pos_att_type", "c2p|p2c"));

    private ConfigLimits() {}

    /** Refuses what makes another network, by name. */
    static void check(Family family, JsonNode config) {
        for (Rule rule : RULES) {
            JsonNode value = config.path(rule.key());
            if (rule.families().contains(family)
                    && !value.isMissingNode()
                    && !rule.followed().test(value)) {
                throw refused(rule.key(), value, "followed is " + rule.instead());
            }
        }
        activation(ConfigKeys.of(family).activation(), config);
        switch (family) {
            case T5 -> decoder(config);
            case GPT_NEO -> attentionTypes(config);
            case DEBERTA -> deberta(config);
            default -> {}
        }
        for (JsonNode architecture : config.path("architectures")) {
            String name = architecture.asText();
            if (name.matches(
                    ".*(Classification|QuestionAnswering|MultipleChoice|Regression|DoubleHeads|NextSentence|EncoderModel).*")) {
                throw refused("architectures", architecture, "followed is the language-model head");
            }
        }
    }

    private static void activation(String key, JsonNode config) {
        JsonNode value = config.path(key);
        if (!value.isMissingNode() && !ACTIVATIONS.contains(value.asText())) {
            throw refused(
                    key,
                    value,
                    "followed are "
                            + String.join(", ", ACTIVATIONS.stream().sorted().toList()));
        }
    }

    /** {@code configuration_t5.py}: as many decoder layers as encoder layers unless written; an alias moves the encoder's alone. */
    private static void decoder(JsonNode config) {
        long written = config.path("num_layers").asLong(LAYERS_OF_T5);
        long encoder = config.path("num_hidden_layers").asLong(written);
        JsonNode decoder = config.path("num_decoder_layers");
        if (decoder.asLong(written) != encoder) {
            throw refused("num_decoder_layers", decoder, "followed are as many as num_layers, " + encoder);
        }
    }

    /** {@code configuration_gpt_neo.py} asks for one attention type a layer, and has 24 where none are written. */
    private static void attentionTypes(JsonNode config) {
        JsonNode types = config.path("attention_types");
        long layers = config.path("num_layers").asLong(LAYERS_OF_GPT_NEO);
        long typed = LAYERS_OF_GPT_NEO;
        if (!types.isMissingNode()) {
            typed = 0;
            for (JsonNode group : types) {
                typed += group.path(0).size() * group.path(1).asLong();
            }
        }
        if (typed != layers) {
            throw refused("attention_types", types, "it must be of num_layers, " + layers + ", layers, not " + typed);
        }
    }

    private static void deberta(JsonNode config) {
        DEBERTA_NEEDS.forEach((key, needed) -> {
            if (config.path(key).isMissingNode()) {
                throw refused(key, config.path(key), "followed is " + needed);
            }
        });
        long positions = config.path("max_position_embeddings").asLong(POSITIONS_OF_DEBERTA);
        JsonNode most = config.path("max_relative_positions");
        if (most.asLong() > 0 && most.asLong() != positions) {
            throw refused("max_relative_positions", most, "followed is max_position_embeddings, " + positions);
        }
        long hidden = config.path("hidden_size").asLong(HIDDEN_OF_DEBERTA);
        if (config.path("embedding_size").asLong(hidden) != hidden) {
            throw refused("embedding_size", config.path("embedding_size"), "followed is hidden_size, " + hidden);
        }
    }

    private static boolean bothWays(JsonNode value) {
        String text = value.isArray()
                ? String.join(
                        "|",
                        StreamSupport.stream(value.spliterator(), false)
                                .map(JsonNode::asText)
                                .toList())
                : value.asText();
        return Set.of("c2p|p2c", "p2c|c2p")
                .contains(text.toLowerCase(Locale.ROOT).replace(" ", ""));
    }

    private static IllegalArgumentException refused(String key, JsonNode value, String instead) {
        String text = value.isMissingNode() ? "left out" : value.toString();
        return new IllegalArgumentException("config.json: " + key + " "
                + (text.length() > 60 ? text.substring(0, 60) + "…" : text) + " makes a network that is not followed; "
                + instead
                + ". A workload of the same sizes, transformer().dModel(…).layers(…), is estimated without it.");
    }
}
