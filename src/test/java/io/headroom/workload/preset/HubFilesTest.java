package io.headroom.workload.preset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files of the hub are read, or refused with the reason. */
class HubFilesTest {
    @TempDir
    Path folder;

    @Test
    void readsAConfig() {
        LanguageModel model = ConfigFile.parse(
                """
                {"model_type": "llama", "hidden_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 24,
                 "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 8192, "vocab_size": 128256,
                 "tie_word_embeddings": true}""");

        assertThat(model)
                .isEqualTo(Preset.named("meta-llama/Llama-3.2-3B-Instruct").language());
    }

    @Test
    void readsTheProjectionsOfOpt() {
        LanguageModel model = ConfigFile.parse(
                """
                {"model_type": "opt", "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
                 "ffn_dim": 4096, "vocab_size": 50272, "word_embed_proj_dim": 512, "do_layer_norm_before": false,
                 "max_position_embeddings": 2048, "dropout": 0.1, "attention_dropout": 0.0}""");

        assertThat(model.parameters()).isEqualTo(331_196_416);
    }

    @Test
    void saysWhatItUnderstoodOfAnUnknownArchitecture() {
        assertThatThrownBy(() -> ConfigFile.parse("{\"model_type\": \"mamba\", \"hidden_size\": 768}"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("mamba")
                .hasMessageContaining("hidden_size 768")
                .hasMessageContaining("gpt2");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "{",
                "{\"model_type\": \"gpt2\", \"n_embd\": -5}",
                "{\"model_type\": \"gpt2\", \"n_layer\": 1e30}",
                "{\"model_type\": \"gpt2\", \"n_layer\": 100000000}",
                "{\"model_type\": \"llama\", \"num_attention_heads\": 7, \"num_key_value_heads\": 3}"
            })
    void refusesConfigsThatCannotBeBuilt(String text) {
        assertThatThrownBy(() -> ConfigFile.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void readsASafetensorsHeader() throws IOException {
        Path file =
                write("{\"a\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[0,12]},\"__metadata__\":{}}", 12);

        SafetensorsHeader header = SafetensorsHeader.read(file);

        assertThat(header.parameters()).isEqualTo(6);
        assertThat(header.bytes()).isEqualTo(12);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,12]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[4,1000000]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[12,0]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[-3],\"data_offsets\":[0,12]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,9],\"data_offsets\":[0,12]}}",
                "{\"a\":{\"dtype\":\"PICKLE\",\"shape\":[3],\"data_offsets\":[0,12]}}",
                "{\"a\":7}",
                "[1]",
                "not json"
            })
    void refusesHeadersThatDoNotHoldTogether(String header) throws IOException {
        Path file = write(header, 12);

        assertThatThrownBy(() -> SafetensorsHeader.read(file))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("model.safetensors");
    }

    @Test
    void refusesFilesCutShort() throws IOException {
        Path file = folder.resolve("model.safetensors");
        Files.write(file, new byte[] {1, 2});
        assertThatThrownBy(() -> SafetensorsHeader.read(file)).hasMessageContaining("no header");

        Files.write(
                file,
                ByteBuffer.allocate(16)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(1L << 40)
                        .array());
        assertThatThrownBy(() -> SafetensorsHeader.read(file)).hasMessageContaining("claims");

        Files.write(
                file,
                ByteBuffer.allocate(16)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(5000)
                        .array());
        assertThatThrownBy(() -> SafetensorsHeader.read(file)).hasMessageContaining("ends after");
    }

    private Path write(String header, int data) throws IOException {
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer file = ByteBuffer.allocate(8 + text.length + data).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(text.length).put(text);
        return Files.write(folder.resolve("model.safetensors"), file.array());
    }
}
