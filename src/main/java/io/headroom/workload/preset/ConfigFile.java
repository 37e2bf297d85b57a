package io.headroom.workload.preset;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;

/**
 * Reads a Hugging Face {@code config.json} into a language model.
 *
 * <pre>{@code
 * LanguageModel model = ConfigFile.read(Path.of("models/qwen/config.json"));
 * CudaStep.of(new Preset("mine", model, null)).batch(4).build().estimate();
 * }</pre>
 *
 * <p>Values that are not written take the default of the family's configuration class ({@link LanguageModel#of}). Nothing is executed; at most a
 * megabyte is read. What would make another network (gated feed-forward layers, biases, quantized weights, another head) is
 * refused by name; keys that change neither sizes nor operators (initializers, token ids, rope) are not looked at. Stateless and safe for any number of threads. Source: {@code configuration_*.py} of transformers 4.51.
 */
public final class ConfigFile {
    private static final int LARGEST = 1 << 20;
    private static final int OPT_OFFSET = 2;
    private static final ObjectMapper JSON = new ObjectMapper().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);

    private ConfigFile() {}

    /**
     * Reads a file.
     *
     * @throws IOException if it cannot be read
     * @throws IllegalArgumentException if it is no regular file, no config.json, larger than 1 MiB, or of an unknown architecture; the
     *     message says what was understood
     */
    public static LanguageModel read(Path file) throws IOException {
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            throw new IllegalArgumentException(file + " is "
                    + (Files.isDirectory(file) ? "a folder" : "no regular file")
                    + ": give the path of a config.json.");
        }
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(LARGEST + 1);
            if (bytes.length > LARGEST) {
                throw new IllegalArgumentException(
                        file + " has more than " + LARGEST + " bytes, the most of a config.json.");
            }
            return parse(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString());
        }
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

    private static LanguageModel build(Family family, JsonNode c) {
        ConfigKeys keys = ConfigKeys.of(family);
        LanguageModel.Builder model = LanguageModel.of(family);
        LanguageModel usual = model.build();
        size(c, List.of("vocab_size"), model::vocab);
        size(c, keys.hidden(), model::hidden);
        size(c, keys.layers(), model::layers);
        size(c, keys.heads(), model::heads);
        if (c.path("num_key_value_heads").isNull()) {
            model.keyValueHeads(0);
        }
        size(c, keys.groups(), model::keyValueHeads);
        size(c, keys.headWidth(), model::headWidth);
        size(c, keys.intermediate(), model::intermediate);
        size(c, keys.positions(), rows -> model.positions(family == Family.OPT ? rows + OPT_OFFSET : rows));
        if (family == Family.BERT) {
            size(c, List.of("type_vocab_size"), model::types);
        }
        if (family == Family.OPT) {
            size(c, List.of("word_embed_proj_dim"), model::embedding);
            model.normFirst(c.path("do_layer_norm_before").asBoolean(true));
        }
        double dropout = real(c, usual.dropout(), keys.dropout());
        return model.tied(c.path("tie_word_embeddings").asBoolean(usual.tied()))
                .cache(c.path("use_cache").asBoolean(true))
                .activation(c.path(keys.activation()).asText(usual.activation()).replace("swish", "silu"))
                .dropout(dropout)
                .embeddingDropout(
                        keys.embeddingDropout().isEmpty()
                                ? dropout
                                : real(c, usual.embeddingDropout(), keys.embeddingDropout()))
                .attentionDropout(real(c, usual.attentionDropout(), keys.attentionDropout()))
                .build();
    }

    private static void size(JsonNode config, List<String> keys, LongConsumer setter) {
        for (String key : keys) {
            JsonNode value = config.path(key);
            if (value.isMissingNode() || value.isNull()) {
                continue;
            }
            if (!value.isIntegralNumber() || !value.canConvertToLong() || value.asLong() < 1) {
                throw new IllegalArgumentException(
                        "config.json: " + key + " " + value + " must be a whole number from 1.");
            }
            setter.accept(value.asLong());
            return;
        }
    }

    private static double real(JsonNode config, double otherwise, List<String> keys) {
        for (String key : keys) {
            JsonNode value = config.path(key);
            if (value.isMissingNode() || value.isNull()) {
                continue;
            }
            if (!value.isNumber() || value.asDouble() < 0 || value.asDouble() >= 1) {
                throw new IllegalArgumentException(
                        "config.json: " + key + " " + value + " must be a number from 0 to below 1.");
            }
            return value.asDouble();
        }
        return otherwise;
    }
}
