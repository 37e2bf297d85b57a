package io.headroom.workload.preset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A config.json with a key left out is the model that transformers builds from it.
 *
 * <p>{@code configs.jsonl} is made by {@code record_configs.py} beside it: transformers 4.51.3 builds each and runs a step.
 */
class ConfigDefaultsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    static Stream<JsonNode> recorded() throws IOException {
        try (InputStream lines = ConfigDefaultsTest.class.getResourceAsStream("configs.jsonl")) {
            return new String(lines.readAllBytes(), StandardCharsets.UTF_8)
                            .lines()
                            .map(line -> {
                                try {
                                    return JSON.readTree(line);
                                } catch (IOException e) {
                                    throw new AssertionError(line, e);
                                }
                            })
                            .toList()
                            .stream();
        }
    }

    @ParameterizedTest
    @MethodSource("recorded")
    void isWhatTransformersBuilds(JsonNode row) {
        String config = row.path("config").toString();
        if (row.has("refused") || isAnotherNetwork(row)) {
            assertThatThrownBy(() -> ConfigFile.parse(config)).isInstanceOf(IllegalArgumentException.class);
            return;
        }

        LanguageModel model = ConfigFile.parse(config);

        assertThat(model.parameters()).isEqualTo(row.path("parameters").asLong());
        assertThat(model.activation()).isEqualTo(row.path("activation").asText());
        assertThat(new double[] {model.embeddingDropout(), model.dropout(), model.attentionDropout()})
                .containsExactly(
                        row.path("dropouts").path(0).asDouble(),
                        row.path("dropouts").path(1).asDouble(),
                        row.path("dropouts").path(2).asDouble());
    }

    /** DeBERTa's class has other positions by default than the published model; a T5 with fewer decoder layers is refused. */
    private static boolean isAnotherNetwork(JsonNode row) {
        return row.path("changed")
                .asText()
                .matches("without (num_layers|relative_attention|position_biased_input|pos_att_type)");
    }

    @Test
    void coversEveryFamily() throws IOException {
        assertThat(recorded().map(row -> row.path("config").path("model_type").asText()))
                .hasSize(ROWS)
                .contains(Stream.of(Family.values()).map(Family::modelType).toArray(String[]::new));
    }

    private static final int ROWS = 149;

    @ParameterizedTest
    @CsvSource({
        "deberta, max_relative_positions, 256",
        "deberta, embedding_size, 64",
        "deberta, legacy, false",
        "deberta, talking_head, true",
        "opt, layerdrop, 0.1",
        "bert, chunk_size_feed_forward, 2",
        "bert, output_hidden_states, true",
        "t5, tie_encoder_decoder, true",
        "t5, num_hidden_layers, 12",
        "gpt2, activation_function, 5",
        "gpt2, n_inner, 0",
        "gpt2, embd_pdrop, 1.5",
        "llama, head_dim, 65"
    })
    void refusesByName(String type, String key, String value) {
        String needed = type.equals("deberta")
                ? "\"relative_attention\": true, \"position_biased_input\": false, \"pos_att_type\": \"c2p|p2c\", "
                : "";
        String text = "{\"model_type\": \"%s\", %s\"%s\": %s}".formatted(type, needed, key, value);

        assertThatThrownBy(() -> ConfigFile.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(key.equals("num_hidden_layers") ? "num_decoder_layers" : key)
                .hasMessageContaining(key.equals("num_hidden_layers") ? "12" : value);
    }

    /** Keys of other classes are passed over, as {@code PretrainedConfig} passes over what it does not know. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"n_embd\": 64",
                "\"d_ff\": 64",
                "\"activation_function\": \"relu\"",
                "\"hidden_dropout_prob\": 0.5",
                "\"num_heads\": 3",
                "\"type_vocab_size\": 9"
            })
    void passesOverKeysOfOtherFamilies(String key) {
        assertThat(ConfigFile.parse("{\"model_type\": \"llama\", " + key + "}"))
                .isEqualTo(LanguageModel.of(Family.LLAMA).build());
    }

    /** Llama-2-7b, Qwen2 and others as their classes' own sizes count. */
    @Test
    void isTheClassItself() {
        assertThat(LanguageModel.of(Family.LLAMA).build().parameters()).isEqualTo(6_738_415_616L);
        assertThat(LanguageModel.of(Family.GPT_NEOX).vocab(50432).build().parameters())
                .isEqualTo(20_554_567_680L);
        assertThat(LanguageModel.of(Family.T5).build().parameters()).isEqualTo(60_506_624);
        assertThat(LanguageModel.of(Family.GEMMA2).build().parameters()).isEqualTo(2_614_341_888L);
    }
}
