package io.headroom.workload.preset;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Reads a Hugging Face {@code config.json} into a language model.
 *
 * <pre>{@code
 * LanguageModel model = ConfigFile.read(Path.of("models/qwen/config.json"));
 * CudaStep.of(new Preset("mine", model, null)).batch(4).build().estimate();
 * }</pre>
 *
 * <p>Values that are not written take the default of the family's configuration class. Nothing is executed; at most a
 * megabyte is read. What would make another network (gated feed-forward layers, biases, quantized weights, another head) is
 * refused by name; keys that change neither sizes nor operators (initializers, token ids, rope) are not looked at. Stateless and safe for any number of threads. Source: {@code configuration_*.py} of transformers 4.51.
 */
public final class ConfigFile {
    private static final long LARGEST = 1 << 20;
    private static final int OPT_OFFSET = 2;
    private static final ObjectMapper JSON = new ObjectMapper().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);

    private ConfigFile() {}

    /**
     * Reads a file.
     *
     * @throws IOException if it cannot be read
     * @throws IllegalArgumentException if it is no config.json, larger than 1 MiB, or of an unknown architecture; the
     *     message says what was understood
     */
    public static LanguageModel read(Path file) throws IOException {
        long size = Files.size(file);
        if (size > LARGEST) {
            throw new IllegalArgumentException(
                    file + " has " + size + " bytes: a config.json has at most " + LARGEST + ".");
        }
        return parse(Files.readString(file));
    }

    /** Reads the text of one; the same errors as {@link #read}. */
    public static LanguageModel parse(String text) {
        JsonNode config = tree(text);
        String type = config.path("model_type").asText("");
        Family family = Arrays.stream(Family.values())
                .filter(known -> known.modelType().equals(type))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(unknown(type, config)));
        ConfigLimits.check(family, config);
        return build(family, config);
    }

    private static JsonNode tree(String text) {
        try {
            JsonNode config = JSON.readTree(text);
            if (config == null || !config.isObject()) {
                throw new IllegalArgumentException(
                        "This is no config.json: it must be a JSON object with a model_type.");
            }
            return config;
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("This is no config.json: " + e.getOriginalMessage(), e);
        }
    }

    private static String unknown(String type, JsonNode config) {
        List<String> understood = new ArrayList<>();
        for (String key : List.of(
                "hidden_size",
                "num_hidden_layers",
                "num_attention_heads",
                "num_key_value_heads",
                "intermediate_size",
                "vocab_size")) {
            if (config.path(key).canConvertToLong()) {
                understood.add(key + " " + config.path(key).asLong());
            }
        }
        String shown = type.length() > 40 ? type.substring(0, 40) + "…" : type;
        return "model_type \"" + shown + "\" is not one that can be followed operator by operator. Understood: "
                + (understood.isEmpty() ? "nothing else" : String.join(", ", understood)) + ". Known: "
                + Arrays.stream(Family.values()).map(Family::modelType).collect(Collectors.joining(", "))
                + ". A workload of the same sizes, transformer().dModel(…).layers(…), is estimated without it.";
    }

    /** What a configuration class takes where nothing is written; 0 where it follows from the rest. */
    private record Usual(long hidden, long layers, long heads, long groups, long headWidth, long intermediate) {
        static Usual of(Family family) {
            return switch (family) {
                case GPT2 -> new Usual(768, 12, 12, 0, 0, 0);
                case OPT, BERT, DEBERTA -> new Usual(768, 12, 12, 0, 0, 3072);
                case GPT_NEO -> new Usual(2048, 24, 16, 0, 0, 0);
                case GPT_NEOX -> new Usual(6144, 44, 64, 0, 0, 24576);
                case T5 -> new Usual(512, 6, 8, 0, 64, 2048);
                case LLAMA -> new Usual(4096, 32, 32, 0, 0, 11008);
                case QWEN2 -> new Usual(4096, 32, 32, 32, 0, 22016);
                case QWEN3 -> new Usual(4096, 32, 32, 32, 128, 22016);
                case GEMMA2 -> new Usual(2304, 26, 8, 4, 256, 9216);
            };
        }
    }

    private static LanguageModel build(Family family, JsonNode c) {
        Usual sizes = Usual.of(family);
        long groups = c.path("num_key_value_heads").isNull() ? 0 : sizes.groups();
        LanguageModel.Builder model = LanguageModel.of(family);
        LanguageModel usual = model.build();
        model.vocab(whole(c, usual.vocab(), "vocab_size"))
                .hidden(whole(c, sizes.hidden(), "hidden_size", "n_embd", "d_model"))
                .layers(whole(c, sizes.layers(), "num_hidden_layers", "n_layer", "num_layers"))
                .heads(whole(c, sizes.heads(), "num_attention_heads", "n_head", "num_heads"))
                .keyValueHeads(whole(c, groups, "num_key_value_heads"))
                .headWidth(whole(c, sizes.headWidth(), "head_dim", "d_kv"))
                .intermediate(whole(c, sizes.intermediate(), "intermediate_size", "n_inner", "ffn_dim", "d_ff"))
                .embedding(whole(c, 0, "word_embed_proj_dim"))
                .normFirst(c.path("do_layer_norm_before").asBoolean(true))
                .tied(c.path("tie_word_embeddings").asBoolean(usual.tied()))
                .cache(c.path("use_cache").asBoolean(true))
                .activation(text(
                        c,
                        usual.activation(),
                        "activation_function",
                        "hidden_activation",
                        "hidden_act",
                        "feed_forward_proj"));
        if (family == Family.BERT) {
            model.types(whole(c, usual.types(), "type_vocab_size"));
        }
        if (family == Family.OPT) {
            model.positions(whole(c, usual.positions() - OPT_OFFSET, "max_position_embeddings") + OPT_OFFSET);
        } else if (family == Family.T5) {
            model.positions(whole(c, usual.positions(), "relative_attention_num_buckets"));
        } else if (usual.positions() > 0) {
            model.positions(whole(c, usual.positions(), "max_position_embeddings", "n_positions"));
        }
        model.dropout(real(
                        c,
                        usual.dropout(),
                        "resid_pdrop",
                        "resid_dropout",
                        "dropout",
                        "hidden_dropout_prob",
                        "dropout_rate"))
                .attentionDropout(real(
                        c,
                        usual.attentionDropout(),
                        "attn_pdrop",
                        "attention_dropout",
                        "attention_probs_dropout_prob",
                        "dropout_rate"));
        return checked(model.build());
    }

    private static LanguageModel checked(LanguageModel model) {
        if (model.headWidth() == model.hidden() / model.heads() && model.hidden() % model.heads() != 0) {
            throw new IllegalArgumentException("config.json: hidden_size " + model.hidden()
                    + " must be a multiple of num_attention_heads " + model.heads() + ", or head_dim be given.");
        }
        return model;
    }

    private static long whole(JsonNode config, long otherwise, String... keys) {
        for (String key : keys) {
            JsonNode value = config.path(key);
            if (value.isMissingNode() || value.isNull()) {
                continue;
            }
            if (!value.isIntegralNumber() || !value.canConvertToLong()) {
                throw new IllegalArgumentException(key + " " + value + " must be a whole number.");
            }
            return value.asLong();
        }
        return otherwise;
    }

    private static double real(JsonNode config, double otherwise, String... keys) {
        for (String key : keys) {
            JsonNode value = config.path(key);
            if (value.isNumber()) {
                if (value.asDouble() < 0 || value.asDouble() >= 1) {
                    throw new IllegalArgumentException(key + " " + value + " must be from 0 to below 1.");
                }
                return value.asDouble();
            }
        }
        return otherwise;
    }

    private static String text(JsonNode config, String otherwise, String... keys) {
        for (String key : keys) {
            if (config.path(key).isTextual()) {
                return config.path(key).asText().replace("swish", "silu");
            }
        }
        return otherwise;
    }
}
