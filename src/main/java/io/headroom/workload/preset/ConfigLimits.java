package io.headroom.workload.preset;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.StreamSupport;

/** What a config.json can say that makes another network than the one that is followed. */
final class ConfigLimits {
    private static final Set<String> ACTIVATIONS =
            Set.of("gelu_new", "gelu", "relu", "silu", "swish", "gelu_pytorch_tanh");
    private static final List<String> ACTIVATION_KEYS =
            List.of("activation_function", "hidden_act", "hidden_activation", "feed_forward_proj");

    /** A key, the values of it that are followed, and what is followed instead of others; where it is absent nothing is wrong. */
    private record Rule(Set<Family> families, String key, Predicate<JsonNode> followed, String instead) {}

    private static final Set<Family> ALL = Set.of(Family.values());
    private static final Set<Family> LLAMAS = Set.of(Family.LLAMA, Family.QWEN2, Family.QWEN3, Family.GEMMA2);
    private static final Predicate<JsonNode> FALSE = node -> !node.asBoolean(false);
    private static final Predicate<JsonNode> TRUE = node -> node.asBoolean(true);

    private static final List<Rule> RULES = List.of(
            new Rule(ALL, "quantization_config", JsonNode::isNull, "weights that are not quantized"),
            new Rule(ALL, "is_decoder", FALSE, "false"),
            new Rule(ALL, "add_cross_attention", FALSE, "false"),
            new Rule(LLAMAS, "attention_bias", FALSE, "false"),
            new Rule(LLAMAS, "mlp_bias", FALSE, "false"),
            new Rule(LLAMAS, "attention_dropout", node -> node.asDouble() == 0, "0"),
            new Rule(Set.of(Family.GEMMA2), "attn_logit_softcapping", JsonNode::isNumber, "a number"),
            new Rule(Set.of(Family.GEMMA2), "final_logit_softcapping", JsonNode::isNumber, "a number"),
            new Rule(Set.of(Family.GPT_NEOX), "attention_bias", TRUE, "true"),
            new Rule(Set.of(Family.GPT_NEOX), "use_parallel_residual", TRUE, "true"),
            new Rule(Set.of(Family.GPT_NEOX), "rotary_pct", node -> node.asDouble() == 0.25, "0.25"),
            new Rule(Set.of(Family.GPT_NEOX), "attention_dropout", node -> node.asDouble() == 0, "0"),
            new Rule(Set.of(Family.GPT_NEOX), "hidden_dropout", node -> node.asDouble() == 0, "0"),
            new Rule(Set.of(Family.GPT2), "reorder_and_upcast_attn", FALSE, "false"),
            new Rule(Set.of(Family.OPT), "enable_bias", TRUE, "true"),
            new Rule(Set.of(Family.OPT), "layer_norm_elementwise_affine", TRUE, "true"),
            new Rule(Set.of(Family.OPT), "_remove_final_layer_norm", FALSE, "false"),
            new Rule(
                    Set.of(Family.BERT),
                    "position_embedding_type",
                    node -> node.asText().equals("absolute"),
                    "absolute"),
            new Rule(Set.of(Family.DEBERTA), "position_biased_input", FALSE, "false"),
            new Rule(Set.of(Family.DEBERTA), "type_vocab_size", node -> node.asLong() == 0, "0"),
            new Rule(Set.of(Family.DEBERTA), "pos_att_type", ConfigLimits::bothWays, "c2p|p2c"),
            new Rule(Set.of(Family.DEBERTA), "relative_attention", TRUE, "true"));

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
        for (String key : ACTIVATION_KEYS) {
            JsonNode value = config.path(key);
            if (value.isTextual() && !ACTIVATIONS.contains(value.asText())) {
                throw refused(
                        key,
                        value,
                        "followed are "
                                + String.join(
                                        ", ", ACTIVATIONS.stream().sorted().toList()));
            }
        }
        JsonNode decoder = config.path("num_decoder_layers");
        JsonNode encoder = config.path("num_layers");
        if (family == Family.T5
                && !decoder.isMissingNode()
                && !decoder.isNull()
                && decoder.asLong() != encoder.asLong(6)) {
            throw refused("num_decoder_layers", decoder, "followed are as many as num_layers, " + encoder.asLong(6));
        }
        if (family == Family.DEBERTA && !config.path("relative_attention").asBoolean(false)) {
            throw refused("relative_attention", config.path("relative_attention"), "followed is true");
        }
        for (JsonNode architecture : config.path("architectures")) {
            String name = architecture.asText();
            if (name.matches(".*(Classification|QuestionAnswering|MultipleChoice|Regression|DoubleHeads).*")) {
                throw refused("architectures", architecture, "followed is the language-model head");
            }
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
        return text.toLowerCase(Locale.ROOT).equals("c2p|p2c");
    }

    private static IllegalArgumentException refused(String key, JsonNode value, String instead) {
        String text = value.isMissingNode() ? "left out" : value.toString();
        return new IllegalArgumentException("config.json: " + key + " "
                + (text.length() > 60 ? text.substring(0, 60) + "…" : text) + " makes a network that is not followed; "
                + instead
                + ". A workload of the same sizes, transformer().dModel(…).layers(…), is estimated without it.");
    }
}
