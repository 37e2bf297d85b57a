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
import org.junit.jupiter.params.provider.CsvSource;
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

    @ParameterizedTest
    @CsvSource({
        "t5, feed_forward_proj, gated-gelu",
        "t5, num_decoder_layers, 12",
        "llama, attention_bias, true",
        "llama, mlp_bias, true",
        "gpt2, quantization_config, 4",
        "gpt2, scale_attn_by_inverse_layer_idx, true",
        "gpt2, reorder_and_upcast_attn, true",
        "gpt2, scale_attn_weights, false",
        "gpt2, activation_function, quick_gelu",
        "gpt2, add_cross_attention, true",
        "gpt_neox, rotary_pct, 1.0",
        "gpt_neox, use_parallel_residual, false",
        "gemma2, attn_logit_softcapping, null",
        "opt, enable_bias, false",
        "bert, position_embedding_type, relative_key",
        "deberta, pos_att_type, c2p",
        "deberta, relative_attention, false"
    })
    void refusesWhatMakesAnotherNetwork(String type, String key, String value) {
        String written = value.matches("[\\d.]+|true|false|null") ? value : "\"" + value + "\"";
        String text = "{\"model_type\": \"%s\", \"num_layers\": 6, \"%s\": %s}".formatted(type, key, written);

        assertThatThrownBy(() -> ConfigFile.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(key)
                .hasMessageContaining(value)
                .hasMessageContaining("not followed");
    }

    @Test
    void refusesOtherHeads() {
        assertThatThrownBy(() -> ConfigFile.parse(
                        "{\"model_type\": \"bert\", \"architectures\": [\"BertForSequenceClassification\"]}"))
                .hasMessageContaining("BertForSequenceClassification");
    }

    /** As published: what changes neither sizes nor operators is no reason to refuse. */
    @Test
    void readsConfigsAsPublished() {
        assertThat(ConfigFile.parse(
                                """
                                {"architectures": ["GPTNeoXForCausalLM"], "bos_token_id": 0, "eos_token_id": 0, "hidden_act": "gelu",
                                 "hidden_size": 2048, "initializer_range": 0.02, "intermediate_size": 8192, "layer_norm_eps": 1e-05,
                                 "max_position_embeddings": 2048, "model_type": "gpt_neox", "num_attention_heads": 8,
                                 "num_hidden_layers": 16, "rotary_emb_base": 10000, "rotary_pct": 0.25, "tie_word_embeddings": false,
                                 "torch_dtype": "float16", "use_cache": true, "use_parallel_residual": true, "vocab_size": 50304}""")
                        .parameters())
                .isEqualTo(1_011_781_632);
        assertThat(ConfigFile.parse(
                                """
                                {"model_type": "deberta", "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu",
                                 "hidden_dropout_prob": 0.1, "hidden_size": 768, "initializer_range": 0.02, "intermediate_size": 3072,
                                 "max_position_embeddings": 512, "relative_attention": true, "pos_att_type": "c2p|p2c",
                                 "layer_norm_eps": 1e-7, "max_relative_positions": -1, "position_biased_input": false,
                                 "num_attention_heads": 12, "num_hidden_layers": 12, "type_vocab_size": 0, "vocab_size": 50265}""")
                        .parameters())
                .isEqualTo(139_244_121);
        assertThat(ConfigFile.parse(
                                """
                                {"architectures": ["Gemma2ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
                                 "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0, "head_dim": 256,
                                 "hidden_act": "gelu_pytorch_tanh", "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 2304,
                                 "intermediate_size": 9216, "model_type": "gemma2", "num_attention_heads": 8,
                                 "num_hidden_layers": 26, "num_key_value_heads": 4, "sliding_window": 4096, "vocab_size": 256000}""")
                        .parameters())
                .isEqualTo(2_614_341_888L);
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
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[12],\"data_offsets\":[0,12]},\"b\":{\"dtype\":\"U8\",\"shape\":[12],\"data_offsets\":[0,12]}}",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[8,12]}}",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[12],\"data_offsets\":[0,12]},\"a\":{\"dtype\":\"U8\",\"shape\":[12],\"data_offsets\":[0,12]}}",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[12],\"data_offsets\":[0,12.0]}}",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[12],\"data_offsets\":[0,\"12\"]}}",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[12],\"data_offsets\":[0,12]}",
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

    /** Ten million dimensions of one, and half a million tensors of no bytes: refused while they are read. */
    @Test
    void holdsNothingOfAHostileHeader() throws IOException {
        Path ones = write(
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[" + "1,".repeat(10_000_000) + "1],\"data_offsets\":[0,1]}}", 1);
        assertThatThrownBy(() -> SafetensorsHeader.read(ones)).hasMessageContaining("more than 64 numbers");

        StringBuilder many = new StringBuilder("{");
        for (int i = 0; i <= 500_000; i++) {
            many.append('"').append(i).append("\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},");
        }
        Path tensors = write(many + "\"z\":{}}", 0);
        assertThatThrownBy(() -> SafetensorsHeader.read(tensors)).hasMessageContaining("more than 500000 tensors");
    }

    @Test
    void readsTensorsInAnyOrder() throws IOException {
        Path file = write(
                "{\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]},"
                        + "\"e\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[4,4]},"
                        + "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}  ",
                12);

        assertThat(SafetensorsHeader.read(file).parameters()).isEqualTo(3);
    }

    private Path write(String header, int data) throws IOException {
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer file = ByteBuffer.allocate(8 + text.length + data).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(text.length).put(text);
        return Files.write(folder.resolve("model.safetensors"), file.array());
    }

    /** What is not written is the configuration class's own, as transformers builds it. */
    @ParameterizedTest
    @CsvSource({
        "llama, 4096, 32, 32, 32, 128, 11008",
        "qwen3, 4096, 32, 32, 32, 128, 22016",
        "gemma2, 2304, 26, 8, 4, 256, 9216",
        "gpt_neo, 2048, 24, 16, 16, 128, 8192",
        "gpt_neox, 6144, 44, 64, 64, 96, 24576",
        "t5, 512, 6, 8, 8, 64, 2048",
        "bert, 768, 12, 12, 12, 64, 3072"
    })
    void takesTheDefaultsOfItsFamily(
            String type, long hidden, long layers, long heads, long groups, long width, long intermediate) {
        LanguageModel model = ConfigFile.parse("{\"model_type\": \"" + type + "\"}");

        assertThat(new long[] {
                    model.hidden(),
                    model.layers(),
                    model.heads(),
                    model.keyValueHeads(),
                    model.headWidth(),
                    model.intermediate()
                })
                .containsExactly(hidden, layers, heads, groups, width, intermediate);
    }

    @Test
    void keepsTheWidthOfAHeadThatAConfigLeavesOut() {
        LanguageModel model = ConfigFile.parse("{\"model_type\": \"qwen3\", \"vocab_size\": 151936,"
                + " \"hidden_size\": 1024, \"num_hidden_layers\": 28, \"num_attention_heads\": 16,"
                + " \"num_key_value_heads\": 8, \"intermediate_size\": 3072, \"tie_word_embeddings\": true}");

        assertThat(model.parameters()).isEqualTo(596_049_920);
    }

    @Test
    void readsTheDropoutOfGptNeoAndRefusesHeadsThatDoNotDivide() {
        assertThat(ConfigFile.parse("{\"model_type\": \"gpt_neo\", \"resid_dropout\": 0.1}")
                        .dropout())
                .isEqualTo(0.1);
        assertThatThrownBy(() -> ConfigFile.parse("{\"model_type\": \"gpt2\", \"n_embd\": 770}"))
                .hasMessageContaining("hidden_size 770")
                .hasMessageContaining("12");
    }
}
